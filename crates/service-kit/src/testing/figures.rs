//! Numbers that are looked for in everything that leaves a service. They need seven digits: shorter ones are found by chance.

/// True when a number stands in the bytes, as protobuf writes it or in digits.
#[must_use]
pub fn holds(bytes: &[u8], number: u64) -> bool {
    let mut wire = Vec::new();
    prost::encoding::encode_varint(number, &mut wire);
    holds_text(bytes, &wire) || holds_text(bytes, number.to_string().as_bytes())
}

/// True when a text stands in the bytes.
#[must_use]
pub fn holds_text(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
