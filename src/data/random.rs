//! `Random`: the generator behind shuffles and augmentation; a stream is a pure function of the words it is keyed with.
//!
//! SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, so that a stream a record costs nothing to start, no
//! dependency whose stream may change with a version, and equal bits on every machine. Torch's Mersenne twister
//! would need 2.5 KB and a refill for each image.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    /// The stream for this key, such as `[seed, epoch, index]`; different keys give unrelated streams.
    #[must_use]
    pub fn new(key: &[u64]) -> Random {
        let state =
            key.iter().fold(0x243f_6a88_85a3_08d3, |state: u64, &word| mix(state.wrapping_add(GAMMA) ^ mix(word)));
        Random { state, spare: None }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [a, b).
    pub fn uniform(&mut self, a: f64, b: f64) -> f64 {
        a + (b - a) * self.unit()
    }

    /// Uniform in 0..n; 0 when `n` is 0. The bias is below n · 2⁻⁶⁴.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Normal with mean 0, by Box and Muller.
    pub fn normal(&mut self, std: f64) -> f64 {
        let value = self.spare.take().unwrap_or_else(|| {
            let angle = std::f64::consts::TAU * self.unit();
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
            self.spare = Some(radius * angle.sin());
            radius * angle.cos()
        });
        value * std
    }

    /// Puts `items` into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // The published test vector: seed 1234567.
        let mut random = Random { state: 1_234_567, spare: None };
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn keys_differ_in_every_place() {
        let first = |key: &[u64]| Random::new(key).bits();
        let all = [first(&[1, 2, 3]), first(&[1, 3, 2]), first(&[2, 1, 3]), first(&[1, 2, 4]), first(&[1, 2])];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(first(&[1, 2, 3]), first(&[1, 2, 3]));
    }

    #[test]
    fn moments_and_ranges() {
        let mut random = Random::new(&[7]);
        let n = 100_000;
        let (mut sum, mut squares, mut top) = (0.0, 0.0, 0);
        for _ in 0..n {
            let x = random.normal(2.0);
            sum += x;
            squares += x * x;
            top = top.max(random.below(10));
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert!((sum / f64::from(n)).abs() < 0.03);
        assert!((squares / f64::from(n) - 4.0).abs() < 0.08);
        assert_eq!(top, 9);
        assert_eq!(random.below(0), 0);
    }
}
