//! Lets serde read an id, so that a wrong one is refused where it stands in the file.

use crate::ids::FormId;
use serde::{Deserialize as _, Deserializer, de::Error as _};

/// Reads the id of a form.
///
/// # Errors
/// When the text is no id.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FormId, D::Error> {
    let text = String::deserialize(deserializer)?;
    FormId::new(&text).map_err(D::Error::custom)
}
