//! The framing of TensorFlow's record files: length, checksum of the length, bytes, checksum of the bytes.

/// What TensorFlow adds to a rotated checksum, so that a checksum of bytes which hold checksums stays a good one.
const MASK: u32 = 0xa282_ead8;

/// The CRC-32C of `bytes`, masked.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK).to_le_bytes()
}

/// One record as it stands in a file.
pub(super) fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), bytes, &checksum(bytes)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_framed_as_tensorflow_does_it() {
        // CRC-32C's check value for these bytes is e3069283; rotated and masked by TensorFlow's definition, by hand:
        let masked = 0xc78a_b0e5_u32;
        assert_eq!(checksum(b"123456789"), masked.to_le_bytes());
        let framed = record(b"123456789");
        assert_eq!(framed.len(), 8 + 4 + 9 + 4);
        assert_eq!((framed[0], &framed[12..21], &framed[21..]), (9, &b"123456789"[..], &masked.to_le_bytes()[..]));
    }
}
