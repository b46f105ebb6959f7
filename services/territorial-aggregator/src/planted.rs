//! A planted bug (feature `planted-panic`): the fold panics at a record that holds a mark. For the fault table, which shows
//! that one shard freezes and the others go on.

/// What no submission holds by chance.
const MARK: &[u8] = b"hattama: the fold of this build panics here";

#[expect(clippy::panic, reason = "it is what this build is for")]
pub(crate) fn panic_at_the_mark(values: &[&[u8]]) {
    if values.iter().any(|value| value.windows(MARK.len()).any(|part| part == MARK)) {
        panic!("planted");
    }
}
