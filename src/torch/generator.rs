//! `Generator`: Torch7's random numbers, MT19937 and its samplers, so that a seed gives the numbers it gave then.
//!
//! Source: torch7 `lib/TH/THRandom.c`; the generator is Matsumoto and Nishimura's MT19937 (1998).

use crate::error::Result;

const N: usize = 624;
const M: usize = 397;

/// A Mersenne twister with Torch7's samplers. `u` below is a 32-bit output times 2⁻³², in [0, 1).
#[derive(Debug, Clone)]
pub struct Generator {
    seed: u64,
    state: [u32; N],
    next: usize,
    /// The second half of a Box-Muller pair, waiting for the next `normal`: (fraction of a turn, radius).
    normal: Option<(f64, f64)>,
}

impl Generator {
    /// Seeds with the low 32 bits of `seed`, as `torch.manualSeed` does.
    #[must_use]
    pub fn new(seed: u64) -> Generator {
        let mut state = [0u32; N];
        state[0] = seed as u32;
        for i in 1..N {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Generator { seed, state, next: N, normal: None }
    }

    /// The seed it started from.
    #[must_use]
    pub fn initial_seed(&self) -> u64 {
        self.seed
    }

    /// The next 32 random bits (`torch.random()`).
    pub fn random(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn refill(&mut self) {
        // Indices instead of remainders: a network of 60 million weights comes by here 100,000 times.
        let (mut i, mut after, mut far) = (0, 1, M);
        while i < N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[after] & 0x7fff_ffff);
            self.state[i] = self.state[far] ^ (y >> 1) ^ ((y & 1) * 0x9908_b0df);
            i += 1;
            after = if after + 1 == N { 0 } else { after + 1 };
            far = if far + 1 == N { 0 } else { far + 1 };
        }
        self.next = 0;
    }

    /// `count` numbers as `uniform` gives them one by one, to the bit, in f64: the arithmetic is libtorch's.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn uniforms(&mut self, count: usize, a: f64, b: f64) -> Result<tch::Tensor> {
        let mut bits = vec![0i32; count];
        let mut i = 0;
        while i < count {
            // Less 2³¹, so that the 32 bits fit a signed number; added again below, both exact.
            bits[i] = (self.random() ^ 0x8000_0000) as i32;
            i += 1;
        }
        let mut numbers = tch::Tensor::f_from_slice(&bits)?.f_to_kind(tch::Kind::Double)?;
        drop(bits);
        let _ = numbers.f_add_scalar_(2_147_483_648.0)?.f_mul_scalar_(1.0 / 4_294_967_296.0)?;
        let _ = numbers.f_mul_scalar_(b - a)?.f_add_scalar_(a)?;
        Ok(numbers)
    }

    /// Uniform in [a, b).
    pub fn uniform(&mut self, a: f64, b: f64) -> f64 {
        f64::from(self.random()) * (1.0 / 4_294_967_296.0) * (b - a) + a
    }

    /// Normal by Box and Muller, two numbers a pair; `std` above 0.
    pub fn normal(&mut self, mean: f64, std: f64) -> f64 {
        let value = match self.normal.take() {
            Some((turn, radius)) => radius * (2.0 * std::f64::consts::PI * turn).sin(),
            None => {
                let turn = self.uniform(0.0, 1.0);
                let radius = (-2.0 * (1.0 - self.uniform(0.0, 1.0)).ln()).sqrt();
                self.normal = Some((turn, radius));
                radius * (2.0 * std::f64::consts::PI * turn).cos()
            }
        };
        value * std + mean
    }

    /// 1 with probability `p`, else 0.
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform(0.0, 1.0) <= p
    }
}

/// Bytes of `THGenerator` on a 64-bit machine: what `torch.getRNGState()` and `.t7` files hold.
const STATE_BYTES: usize = 5048;

impl Generator {
    /// The state as Torch7's struct lies in memory: u64 seed, i32 left, i32 seeded, u64 next, 624 × u64 state,
    /// f64 `normal_x`, `normal_y`, `normal_rho`, i32 `normal_is_valid`, four bytes of padding; little-endian.
    #[must_use]
    pub fn state_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STATE_BYTES);
        bytes.extend(self.seed.to_le_bytes());
        // Torch7 refills when `left`, counted down before each output, reaches 0.
        let (left, next) = if self.next == N { (1i32, 0u64) } else { ((N - self.next + 1) as i32, self.next as u64) };
        bytes.extend(left.to_le_bytes());
        bytes.extend(1i32.to_le_bytes());
        bytes.extend(next.to_le_bytes());
        self.state.iter().for_each(|word| bytes.extend(u64::from(*word).to_le_bytes()));
        let (turn, radius) = self.normal.unwrap_or_default();
        bytes.extend(turn.to_le_bytes());
        bytes.extend(0f64.to_le_bytes());
        bytes.extend(radius.to_le_bytes());
        bytes.extend(i32::from(self.normal.is_some()).to_le_bytes());
        bytes.extend([0; 4]);
        bytes
    }

    /// The generator whose state these bytes are; `None` when they are not a state.
    #[must_use]
    pub fn from_state_bytes(bytes: &[u8]) -> Option<Generator> {
        if bytes.len() != STATE_BYTES {
            return None;
        }
        let u64_at = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let i32_at = |at: usize| bytes[at..at + 4].try_into().map(i32::from_le_bytes).unwrap_or_default();
        let (left, next) = (i32_at(8), u64_at(16));
        let next = if left == 1 { N } else { usize::try_from(next).ok().filter(|next| *next <= N)? };
        let mut state = [0u32; N];
        state.iter_mut().enumerate().for_each(|(i, word)| *word = u64_at(24 + 8 * i) as u32);
        let after = 24 + 8 * N;
        let normal =
            (i32_at(after + 24) != 0).then(|| (f64::from_bits(u64_at(after)), f64::from_bits(u64_at(after + 16))));
        Some(Generator { seed: u64_at(0), state, next, normal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_reference_implementation_s() {
        // mt19937ar.c with init_genrand(5489): the 10000th output is 4123659995 (also C++'s std::mt19937).
        let mut generator = Generator::new(5489);
        let last = (0..10_000).map(|_| generator.random()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn many_at_once_are_those_one_by_one() {
        let (mut all, mut single) = (Generator::new(7), Generator::new(7));
        let _ = (all.random(), single.random());
        let found = Vec::<f64>::try_from(all.uniforms(3000, -0.3, 1.7).unwrap()).unwrap();
        assert!(found.iter().all(|&number| number == single.uniform(-0.3, 1.7)));
        assert_eq!((found.len(), all.random()), (3000, single.random()));
    }

    #[test]
    fn a_state_survives_bytes_at_any_point() {
        for drawn in [0, 1, 623, 624, 1000] {
            let mut generator = Generator::new(42);
            (0..drawn).for_each(|_| {
                generator.random();
            });
            let _ = generator.normal(0.0, 1.0);
            let mut copy = Generator::from_state_bytes(&generator.state_bytes()).unwrap();
            assert_eq!(copy.normal(0.0, 1.0), generator.normal(0.0, 1.0));
            assert!((0..2000).all(|_| copy.random() == generator.random()));
        }
        assert!(Generator::from_state_bytes(&[0; 10]).is_none());
    }

    #[test]
    fn normal_has_its_moments() {
        let mut generator = Generator::new(1);
        let n = 100_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = generator.normal(3.0, 2.0);
            sum += x;
            squares += (x - 3.0) * (x - 3.0);
        }
        assert!((sum / f64::from(n) - 3.0).abs() < 0.03);
        assert!((squares / f64::from(n) - 4.0).abs() < 0.06);
    }
}
