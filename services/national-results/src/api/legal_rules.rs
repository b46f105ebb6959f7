//! The legal rules behind a contest's seats: each with its article and how sure we are of it.

use hattama_election::definition::Method;
use hattama_proto::national::v1::LegalRule;

/// In the order in which they are applied.
pub(super) fn of(method: &Method) -> Vec<LegalRule> {
    let rules = method.legal_rules().into_iter().map(|rule| LegalRule {
        rule: rule.rule.to_owned(),
        value: rule.value,
        article: rule.source.article.clone(),
        certainty: rule.source.certainty.to_string(),
    });
    rules.collect()
}
