//! Damage: what happens to files on disks, on the way, and in the hands of others.

use digits::data::Random;

/// A number below `end`; 0 when that is 0.
pub(crate) fn below(random: &mut Random, end: usize) -> usize {
    random.below(end.max(1) as u64) as usize
}

/// One of these.
pub(crate) fn any<T: Copy>(random: &mut Random, of: &[T]) -> T {
    of[below(random, of.len())]
}

/// A number at which readers go wrong: near 0, near a power of two, near the file's length.
pub(crate) fn telling(random: &mut Random, length: usize) -> u64 {
    let near = |random: &mut Random, value: u64| value.wrapping_add(below(random, 5) as u64).wrapping_sub(2);
    match below(random, 5) {
        0 => near(random, 0),
        1 => {
            let power = 1u64 << below(random, 64);
            near(random, power)
        }
        2 => near(random, length as u64),
        3 => random.bits(),
        _ => below(random, length) as u64,
    }
}

/// Puts the lowest `size` bytes of a number at `at`, in either byte order.
pub(crate) fn put(bytes: &mut [u8], at: usize, size: usize, value: u64, is_big_endian: bool) {
    let little = value.to_le_bytes();
    for i in 0..size {
        if let Some(byte) = bytes.get_mut(at + i) {
            *byte = little[if is_big_endian { size - 1 - i } else { i }];
        }
    }
}

/// Damages bytes in one to four ways; `others` are files of the same kind.
pub(crate) fn damage(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..1 + below(random, 4) {
        once(random, bytes, others);
    }
}

fn once(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let length = bytes.len();
    if length == 0 {
        bytes.extend((0..below(random, 40)).map(|_| random.bits() as u8));
        return;
    }
    let at = below(random, length);
    // Headers are small and stand in front: half of the damage happens there.
    let at = if below(random, 2) == 0 { at % 64.min(length) } else { at };
    let block = |random: &mut Random| {
        let most = any(random, &[4, 64, 512, 4096]);
        1 + below(random, most)
    };
    match below(random, 11) {
        0 | 1 => bytes[at] ^= 1 << below(random, 8),
        2 => bytes[at] = random.bits() as u8,
        3 | 4 => {
            let (size, is_big_endian) = (any(random, &[1, 2, 4, 8]), below(random, 2) == 0);
            let value = telling(random, length);
            put(bytes, at, size, value, is_big_endian);
        }
        5 => bytes.truncate(at),
        6 => {
            let end = (at + block(random)).min(length);
            let value = any(random, &[0, 0, 0xff, b' ', b'9']);
            bytes[at..end].fill(value);
        }
        7 => {
            let end = (at + block(random)).min(length);
            bytes.drain(at..end);
        }
        8 => {
            let end = (at + block(random)).min(length);
            let copy = bytes[at..end].to_vec();
            let to = below(random, length);
            bytes.splice(to..to, copy);
        }
        9 => {
            let end = (at + block(random)).min(length);
            let to = below(random, length + at - end + 1);
            bytes.copy_within(at..end, to);
        }
        _ => {
            let other = &others[below(random, others.len())];
            let from = below(random, other.len());
            let most = block(random);
            let part = &other[from..(from + most).min(other.len())];
            let end = (at + part.len()).min(length);
            bytes[at..end].copy_from_slice(&part[..end - at]);
        }
    }
}
