//! How a record lies in the store: our own framing, so that nothing but this crate reads the file.
//!
//! Version 1, integers big-endian: version u8, time stamp i64, key (flag u8, then if 1: length u32,
//! bytes), headers (count u8, each: name length u8, name, value length u32, value), then the value
//! to the end.

use bytes::{Buf, BufMut, Bytes};

use crate::{MAX_HEADER_NAME_BYTES, MAX_RECORD_BYTES, MAX_RECORD_HEADERS, NewRecord, Record};

/// The first byte of every stored record. Another framing gets another number.
const VERSION: u8 = 1;

// The widths of the framing's counts rest on the limits of a record.
const _: () = assert!(MAX_RECORD_HEADERS <= 0xff && MAX_HEADER_NAME_BYTES <= 0xff);
const _: () = assert!(MAX_RECORD_BYTES <= 0xffff_ffff);

/// Writes a record behind what the buffer holds.
///
/// # Errors
/// A text if a count does not fit its field, which [`NewRecord::check`] rules out.
pub(super) fn encode(
    record: &NewRecord,
    timestamp_milliseconds: i64,
    buffer: &mut Vec<u8>,
) -> Result<(), &'static str> {
    buffer.put_u8(VERSION);
    buffer.put_i64(timestamp_milliseconds);
    match &record.key {
        None => buffer.put_u8(0),
        Some(key) => {
            buffer.put_u8(1);
            put_long(key, buffer)?;
        }
    }
    buffer.put_u8(u8::try_from(record.headers.len()).map_err(|_| "too many headers")?);
    for (name, value) in &record.headers {
        buffer.put_u8(u8::try_from(name.len()).map_err(|_| "a header's name is too long")?);
        buffer.put_slice(name.as_bytes());
        put_long(value, buffer)?;
    }
    buffer.put_slice(&record.value);
    Ok(())
}

/// Reads a record. Its parts share the memory of `stored`.
///
/// # Errors
/// A text that says what is wrong with the bytes.
pub(super) fn decode(offset: u64, mut stored: Bytes) -> Result<Record, &'static str> {
    if get_u8(&mut stored)? != VERSION {
        return Err("it has an unknown version");
    }
    let timestamp_milliseconds = stored.try_get_i64().map_err(|_| CUT_SHORT)?;
    let key = match get_u8(&mut stored)? {
        0 => None,
        1 => Some(get_long(&mut stored)?),
        _ => return Err("its key is neither there nor absent"),
    };
    let count = get_u8(&mut stored)?;
    let mut headers = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let length = usize::from(get_u8(&mut stored)?);
        let name = take(&mut stored, length)?;
        let name = str::from_utf8(&name).map_err(|_| "a header's name is not text")?;
        headers.push((name.to_owned(), get_long(&mut stored)?));
    }
    Ok(Record { offset, timestamp_milliseconds, key, value: stored, headers })
}

const CUT_SHORT: &str = "it is cut short";

fn put_long(bytes: &[u8], buffer: &mut Vec<u8>) -> Result<(), &'static str> {
    buffer.put_u32(u32::try_from(bytes.len()).map_err(|_| "a part is too long")?);
    buffer.put_slice(bytes);
    Ok(())
}

fn get_u8(stored: &mut Bytes) -> Result<u8, &'static str> {
    stored.try_get_u8().map_err(|_| CUT_SHORT)
}

fn get_long(stored: &mut Bytes) -> Result<Bytes, &'static str> {
    let length = stored.try_get_u32().map_err(|_| CUT_SHORT)?;
    take(stored, usize::try_from(length).map_err(|_| CUT_SHORT)?)
}

fn take(stored: &mut Bytes, length: usize) -> Result<Bytes, &'static str> {
    if length > stored.len() {
        return Err(CUT_SHORT);
    }
    Ok(stored.split_to(length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_record() -> impl Strategy<Value = NewRecord> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        let headers = prop::collection::vec((".{0,8}", bytes()), 0..4);
        (prop::option::of(bytes()), bytes(), headers).prop_map(|(key, value, headers)| NewRecord {
            key,
            value,
            headers,
        })
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(record in any_record(), timestamp: i64, offset: u64) {
            let mut stored = Vec::new();
            encode(&record, timestamp, &mut stored).unwrap();
            let decoded = decode(offset, Bytes::from(stored)).unwrap();
            let expected = Record {
                offset,
                timestamp_milliseconds: timestamp,
                key: record.key,
                value: record.value,
                headers: record.headers,
            };
            prop_assert_eq!(decoded, expected);
        }

        #[test]
        fn a_record_that_ends_before_its_value_is_refused(record in any_record(), cut: prop::sample::Index) {
            let mut stored = Vec::new();
            encode(&record, 0, &mut stored).unwrap();
            let framing = stored.len() - record.value.len();
            stored.truncate(cut.index(framing));
            prop_assert_eq!(decode(0, Bytes::from(stored)), Err(CUT_SHORT));
        }

        #[test]
        fn foreign_bytes_never_panic(stored in prop::collection::vec(any::<u8>(), 0..60)) {
            // Either answer is right for some input; the property is that there is one.
            if let Ok(record) = decode(0, Bytes::from(stored.clone())) {
                let again = NewRecord { key: record.key, value: record.value, headers: record.headers };
                let mut encoded = Vec::new();
                encode(&again, record.timestamp_milliseconds, &mut encoded).unwrap();
                prop_assert_eq!(encoded, stored);
            }
        }
    }

    #[test]
    fn the_bytes_of_version_1_are_pinned() {
        let record = NewRecord {
            key: Some(Bytes::from_static(b"k")),
            value: Bytes::from_static(b"value"),
            headers: vec![("kind".to_owned(), Bytes::from_static(b"x"))],
        };
        let mut stored = Vec::new();
        encode(&record, 258, &mut stored).unwrap();
        let expected = b"\x01\0\0\0\0\0\0\x01\x02\x01\0\0\0\x01k\x01\x04kind\0\0\0\x01xvalue";
        assert_eq!(stored, expected);
    }

    #[test]
    fn a_newer_version_is_refused() {
        let stored = Bytes::from_static(b"\x02anything");
        assert_eq!(decode(0, stored), Err("it has an unknown version"));
    }
}
