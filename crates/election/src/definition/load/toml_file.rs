//! `election.toml` as it is written; `docs/definition.md` describes it.

use super::{TOML, cell::TomlText};
use crate::{
    definition::{
        AgainstAllAhead, LegalSource, ListAllocationRule, Provenance, Purpose, ServiceRole, VoteBase,
        errors::{Errors, Location, did_you_mean},
    },
    form::FormLine,
    rules::Severity,
    text::Text,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ElectionToml {
    pub(super) id: Spanned<String>,
    pub(super) purpose: Purpose,
    pub(super) provenance: Spanned<Provenance>,
    pub(super) date: Spanned<String>,
    pub(super) national_utc_offset_minutes: Spanned<i32>,
    pub(super) fold_version: Spanned<u32>,
    pub(super) name: Spanned<Text>,
    pub(super) rehearsal: Option<Spanned<RehearsalToml>>,
    #[serde(default)]
    pub(super) turnout_slots: Vec<SlotToml>,
    pub(super) forms: Vec<FormToml>,
    pub(super) contests: Vec<ContestToml>,
    #[serde(default)]
    pub(super) rules: BTreeMap<Spanned<String>, Spanned<Severity>>,
    #[serde(default)]
    pub(super) authorities: Vec<AuthorityToml>,
    #[serde(default)]
    pub(super) services: Vec<ServiceToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RehearsalToml {
    pub(super) key_seed: Spanned<String>,
    pub(super) importer: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotToml {
    pub(super) id: Spanned<String>,
    pub(super) at: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormToml {
    pub(super) id: Spanned<String>,
    #[serde(default)]
    pub(super) lines: Vec<Spanned<FormLine>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContestToml {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<Text>,
    pub(super) units: Spanned<UnitsToml>,
    pub(super) form: Spanned<String>,
    pub(super) against_all: bool,
    pub(super) embargo_until: Spanned<String>,
    pub(super) method: Spanned<MethodToml>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "must be \"all\", \"each-district\" or { regions = [\"…\"] }")]
pub(super) enum UnitsToml {
    Everywhere(EverywhereToml),
    Some(SomeRegionsToml),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EverywhereToml {
    All,
    EachDistrict,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SomeRegionsToml {
    pub(super) regions: Vec<String>,
}

/// The fields of both kinds: a tagged enum would lose the places of what is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MethodToml {
    pub(super) kind: MethodKind,
    pub(super) seats: Option<Spanned<u32>>,
    pub(super) allocation: Option<Spanned<ListAllocationRule>>,
    pub(super) threshold: Option<Spanned<ThresholdToml>>,
    pub(super) sole_list_runner_up_minimum: Option<Spanned<u32>>,
    pub(super) independents_by_quota: Option<Spanned<bool>>,
    pub(super) against_all_ahead: Option<Spanned<AgainstAllAhead>>,
    /// By the name of the rule.
    #[serde(default)]
    pub(super) sources: BTreeMap<Spanned<String>, Spanned<LegalSource>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MethodKind {
    List,
    Plurality,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdToml {
    pub(super) numerator: u32,
    pub(super) denominator: u32,
    pub(super) of: Spanned<VoteBase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorityToml {
    pub(super) id: Spanned<String>,
    pub(super) role: Spanned<AuthorityRoleToml>,
    pub(super) key: Spanned<String>,
    pub(super) name: Spanned<Text>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AuthorityRoleToml {
    Central,
    Operator,
    Importer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceToml {
    pub(super) id: Spanned<String>,
    pub(super) role: ServiceRole,
    pub(super) key: Spanned<String>,
}

/// Reads `election.toml`. TOML is read up to the first thing that is wrong with its shape.
pub(super) fn read<'a>(text: &'a str, errors: &mut Errors) -> Option<(ElectionToml, TomlText<'a>)> {
    match toml::from_str(text) {
        Ok(election) => Some((election, TomlText(text))),
        Err(error) => {
            let location = match error.span() {
                Some(span) => Location::of_byte(TOML, text.as_bytes(), span.start),
                None => Location::file(TOML),
            };
            let problem = error.message().replace('\n', ", ");
            match suggestion(&problem) {
                Some(hint) => errors.add_with_hint(location, problem, hint),
                None => errors.add(location, problem),
            }
            None
        }
    }
}

/// The nearest of the known words that the message lists behind the unknown one, all between backquotes.
fn suggestion(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut words = message.split('`').skip(1).step_by(2);
    did_you_mean(words.next()?, words)
}
