//! How large anything on the wire may be. Over a limit the answer is a refusal, never a truncated reading.

/// The largest record of a submission: a commission's protocol that names 1,000 contents has 40 KiB.
pub const MAX_SUBMISSION_BYTES: usize = 64 << 10;
/// The largest record of a service: what Kafka takes by default.
pub const MAX_SERVICE_RECORD_BYTES: usize = 1 << 20;
/// What a record of outcomes may list: the rest is for what stands around the list. That is at most three texts of the
/// envelope, an election id, digests, positions, key id and signature, together less than 4 KiB.
pub const MAX_OUTCOMES_LIST_BYTES: usize = MAX_SERVICE_RECORD_BYTES - (8 << 10);
/// The longest text of an envelope, in bytes: a reason may quote what went wrong, not all of it.
pub const MAX_ENVELOPE_TEXT_BYTES: usize = 1_000;
/// The most errors that one answer names; beyond it only rules that were not named yet.
pub const MAX_FIELD_ERRORS: usize = 16;
/// Signatures verified together: four times as many are 5 % faster, and one bad one then costs four times as much.
pub const MAX_BATCH: usize = 256;
