//! Between the wire contract and the pure crates: framing, signing, opening, canonical bodies.
//!
//! What comes in is read strictly: one encoding of each meaning, every field checked, every wrong one named. What goes out
//! is that one encoding. Nothing here knows a socket, a clock or a disk.

mod body;
mod earlier;
mod fields;
mod figures;
mod genesis;
mod kept_publication;
pub mod limits;
mod open;
mod outcomes;
mod payload;
mod publication_body;
mod service_record;
mod sign;
mod signed;
mod tally_body;
mod verify;

pub use body::{BodyError, MAX_FIGURE, position_from_proto, position_to_proto};
pub use earlier::{EARLIER_POSITIONS_HEADER, decode_earlier, encode_earlier};
pub use fields::FieldError;
pub use figures::{
    LineTotals, line_totals_from_proto, line_totals_to_proto, outcome_from_proto, outcome_to_proto,
    record_counts_from_proto, record_counts_to_proto, station_counts_from_proto, station_counts_to_proto,
    turnout_totals_from_proto, turnout_totals_to_proto, unit_from_proto, unit_to_proto, unit_totals_from_proto,
    unit_totals_to_proto,
};
pub use genesis::{Genesis, decode_genesis, encode_genesis};
pub use kept_publication::{KeptPublication, KeptPublicationError};
pub use open::{KeyLookup, OpenError, RecordOpener};
pub use outcomes::{
    OutcomesError, TooManyParts, decode_outcomes, encode_outcomes, open_outcomes, rules_from_numbers, rules_to_numbers,
    split_outcomes, submission_outcome_from_proto, submission_outcome_to_proto,
};
pub use payload::{decode_payload, encode_payload, record_range_from_proto, record_range_to_proto};
pub use publication_body::{
    contest_figures_from_proto, contest_figures_to_proto, decode_publication, encode_publication, publication_digest,
    slot_figures_from_proto, slot_figures_to_proto, vector_entry_from_proto, vector_entry_to_proto,
};
pub use service_record::{
    Envelope, OpenedServiceRecord, ServiceContext, ServiceRecordError, open_service, sign_service,
};
pub use sign::{SignedSubmission, SigningKey, sign_raw, sign_submission};
pub use signed::{CONTEXT, FORMAT, SignedMessage, submission_digest};
pub use tally_body::{contest_totals_from_proto, contest_totals_to_proto, decode_tally, encode_tally, tally_to_proto};
