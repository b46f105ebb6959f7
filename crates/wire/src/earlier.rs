//! Where a submission lay in earlier generations of the log: told by a header of its record when a gateway sends it again.
//!
//! Like every header it is information only. Nothing is folded from it; it tells how much of a lost log is back.

use bytes::Bytes;

/// The name of the header. Its value: `generation:offset`, separated by commas.
pub const EARLIER_POSITIONS_HEADER: &str = "earlier";

/// The longest value that is read: far more positions than a gateway names.
const MAX_HEADER_BYTES: usize = 4 << 10;

/// The header's value; none when there is no earlier position.
#[must_use]
pub fn encode_earlier(positions: &[(u32, u64)]) -> Option<Bytes> {
    if positions.is_empty() {
        return None;
    }
    let texts: Vec<String> = positions.iter().map(|(generation, offset)| format!("{generation}:{offset}")).collect();
    Some(Bytes::from(texts.join(",")))
}

/// The offsets that a header's value names in one generation. What is no position is left out.
#[must_use]
pub fn decode_earlier(value: &[u8], generation: u32) -> Vec<u64> {
    let Some(text) = value.get(..value.len().min(MAX_HEADER_BYTES)).and_then(|value| std::str::from_utf8(value).ok())
    else {
        return Vec::new();
    };
    let position = |part: &str| {
        let (of, offset) = part.split_once(':')?;
        (of.parse() == Ok(generation)).then(|| offset.parse().ok()).flatten()
    };
    text.split(',').filter_map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back_by_generation_and_anything_else_is_left_out() {
        assert_eq!(encode_earlier(&[]), None);
        let value = encode_earlier(&[(1, 812), (1, 815), (2, 4)]).unwrap();
        assert_eq!(value, "1:812,1:815,2:4");
        assert_eq!(decode_earlier(&value, 1), [812, 815]);
        assert_eq!(decode_earlier(&value, 2), [4]);
        assert_eq!(decode_earlier(&value, 3), Vec::<u64>::new());
        assert_eq!(decode_earlier(b"1:x,,:,1:9,9", 1), [9]);
        assert_eq!(decode_earlier(b"\xff", 1), Vec::<u64>::new());
    }
}
