//! One station as of a publication: every content, its standing, the rules that fired, and who says it.

use super::{Api, digest, reference_of_past};
use crate::{archive::Past, embargo};
use hattama_election::{
    definition::{Definition, Station},
    form::LineMeaning,
    ids::{ContestIndex, SlotIndex, StationId, StationIndex},
    protocol::ProtocolContent,
    rules::{self, RuleCode, Violation},
    turnout::TurnoutContent,
};
use hattama_proto::{
    gateway::v1 as gateway,
    national::v1::{GetStationRequest, GetStationResponse, StationContent, StationTurnout, SubmissionSeen},
    submission::v1 as submission,
};
use hattama_tally::{
    CellEvaluation, ContentEntry, ContentEvaluation, ControlState, PositionPair, ShardFold, StationEvaluation,
    StationLedger,
};
use hattama_wire::outcome_to_proto;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tonic::Status;

impl Api {
    /// The station as of a publication.
    pub(super) async fn station(&self, request: GetStationRequest) -> Result<GetStationResponse, Status> {
        let known = StationId::new(&request.station).ok().and_then(|id| self.definition.station(&id));
        let Some((index, station)) = known else {
            return Err(Status::not_found(format!("there is no station `{}`", request.station)));
        };
        let past = self.archive.past(request.sequence)?;
        let shard = station.shard;
        let at = past.position(shard).ok_or_else(|| Status::internal("the vector lacks the station's shard"))?;
        let control = self.reached(shard, at).await?;
        let api = self.clone();
        let answered = spawn_blocking(move || {
            let view = View { definition: &api.definition, control: &control, at, index };
            let response = api.replica.read(shard, |fold| {
                view.station(fold, |contest| api.is_embargoed(&api.definition.contests[usize::from(contest.0)]))
            });
            response.map_err(Status::from)?.ok_or_else(|| Status::internal("the fold lacks the station"))
        });
        let response = answered.await.map_err(|_| Status::internal("the evaluation panicked"))??;
        Ok(self.with_place(response, &past, index))
    }

    fn with_place(&self, response: GetStationResponse, past: &Arc<Past>, index: StationIndex) -> GetStationResponse {
        let definition = &self.definition;
        let station: &Station = &definition.stations[index.0 as usize];
        let district = station.district.map(|district| definition.districts[usize::from(district.0)].id.to_string());
        GetStationResponse {
            publication: Some(reference_of_past(self.replica.generation().0, past)),
            station: station.id.to_string(),
            region: definition.regions[usize::from(station.region.0)].id.to_string(),
            territory: definition.territories[usize::from(station.territory.0)].id.to_string(),
            district: district.unwrap_or_default(),
            shard: station.shard.0,
            register: station.register,
            ..response
        }
    }
}

/// A station at a pair of positions.
struct View<'a> {
    definition: &'a Definition,
    control: &'a ControlState,
    at: PositionPair,
    index: StationIndex,
}

impl View<'_> {
    fn station(&self, fold: &ShardFold, is_embargoed: impl Fn(ContestIndex) -> bool) -> Option<GetStationResponse> {
        let evaluation = fold.evaluation_at(self.index, self.at, self.control)?;
        let station = &self.definition.stations[self.index.0 as usize];
        let polls_close_seconds = self.control.polls_close(self.index).unwrap_or(station.polls_close).0;
        let empty = GetStationResponse { polls_close_seconds, ..GetStationResponse::default() };
        let Some(ledger) = fold.ledger(self.index) else { return Some(empty) };
        let StationEvaluation { contests, turnout, .. } = &evaluation;
        let contents = contests.iter().flat_map(|(contest, cell)| {
            let embargoed = is_embargoed(*contest);
            self.contents(ledger, *contest, cell)
                .into_iter()
                .map(move |content| embargo::station_content(content, embargoed))
        });
        let reports = turnout.iter().flat_map(|(slot, cell)| self.reports(ledger, *slot, cell));
        Some(GetStationResponse { contents: contents.collect(), turnout: reports.collect(), ..empty })
    }

    fn contents(&self, ledger: &StationLedger, contest: ContestIndex, cell: &CellEvaluation) -> Vec<StationContent> {
        let Some(entries) = ledger.protocols.get(&contest) else { return Vec::new() };
        let found = cell.contents.iter().filter_map(|content| {
            let of_revision = entries.at(u32::from(content.revision));
            Some((content, of_revision.iter().find(|entry| entry.digest == content.content)?))
        });
        found.map(|(content, entry)| self.content(contest, content, entry)).collect()
    }

    fn content(
        &self,
        index: ContestIndex,
        content: &ContentEvaluation,
        entry: &ContentEntry<ProtocolContent>,
    ) -> StationContent {
        let contest = &self.definition.contests[usize::from(index.0)];
        let station = &self.definition.stations[self.index.0 as usize];
        let form = self.definition.form_of(station, contest);
        let details = rules::content::protocol(form, &entry.content, self.control.withdrawn(index));
        let written = &entry.content;
        let votes = contest.options.iter().filter_map(|option| {
            let (id, votes) = written.votes.iter().find(|(id, _)| *id == option.id)?;
            Some(submission::OptionVotes { option: id.to_string(), votes: *votes })
        });
        StationContent {
            contest: contest.id.to_string(),
            revision: u32::from(content.revision),
            content: digest(&content.content.0),
            standing: outcome_to_proto(content.standing).into(),
            rules: self.rules(&content.rules, &details),
            lines: written.lines.written().map(|(meaning, count)| line(meaning, count)).collect(),
            votes: votes.collect(),
            against_all: written.against_all,
            submissions: self.submissions(entry),
            embargoed: false,
            reason: entry
                .shown(&self.at)
                .and_then(|note| note.attributes.reason.as_deref())
                .unwrap_or_default()
                .to_owned(),
        }
    }

    fn reports(&self, ledger: &StationLedger, slot: SlotIndex, cell: &CellEvaluation) -> Vec<StationTurnout> {
        let Some(entries) = ledger.turnout.get(&slot) else { return Vec::new() };
        let found = cell.contents.iter().filter_map(|content| {
            let of_revision = entries.at(u32::from(content.revision));
            Some((content, of_revision.iter().find(|entry| entry.digest == content.content)?))
        });
        found.map(|(content, entry)| self.report(slot, content, entry)).collect()
    }

    fn report(
        &self,
        slot: SlotIndex,
        content: &ContentEvaluation,
        entry: &ContentEntry<TurnoutContent>,
    ) -> StationTurnout {
        StationTurnout {
            slot: self.definition.slots[usize::from(slot.0)].id.to_string(),
            revision: u32::from(content.revision),
            content: digest(&content.content.0),
            standing: outcome_to_proto(content.standing).into(),
            rules: self.rules(&content.rules, &rules::content::turnout(&entry.content)),
            received_a_ballot: entry.content.received_a_ballot,
            register: entry.content.register,
            submissions: self.submissions(entry),
        }
    }

    /// One message for each finding of a rule that fired; a rule without findings on the figures stands alone.
    fn rules(&self, fired: &[RuleCode], details: &[Violation]) -> Vec<gateway::Violation> {
        let mut violations = Vec::new();
        for code in fired {
            let before = violations.len();
            let findings = details.iter().filter(|detail| detail.code == *code);
            violations.extend(findings.map(|detail| self.violation(*code, Some(detail))));
            if violations.len() == before {
                violations.push(self.violation(*code, None));
            }
        }
        violations
    }

    fn violation(&self, code: RuleCode, detail: Option<&Violation>) -> gateway::Violation {
        let text = code.rule().text;
        gateway::Violation {
            rule: code.as_str().to_owned(),
            severity: self.control.severity(code).as_str().to_owned(),
            field: detail.map(|detail| field(&detail.field)).unwrap_or_default(),
            written: detail.and_then(|detail| detail.written),
            expected: detail.and_then(|detail| detail.expected),
            text: Some(gateway::Text { kk: text.kk.to_owned(), ru: text.ru.to_owned(), en: text.en.to_owned() }),
        }
    }

    fn submissions<C>(&self, entry: &ContentEntry<C>) -> Vec<SubmissionSeen> {
        let seen = entry.visible(&self.at).map(|note| SubmissionSeen {
            digest: digest(&note.digest.0),
            offset: note.offset,
            signed_at_seconds: note.attributes.signed_at.0,
        });
        seen.collect()
    }
}

/// The field as the contract writes it: lines by their meaning.
fn field(field: &rules::Field) -> String {
    match field {
        rules::Field::Line(meaning) => format!("lines.{meaning}"),
        other => other.to_string(),
    }
}

/// Meanings have the places of the paper, from 1 on the wire.
fn line(meaning: LineMeaning, count: u32) -> submission::Line {
    submission::Line { meaning: meaning as i32 + 1, count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_number_of_the_wire() {
        for meaning in LineMeaning::ALL {
            let name = submission::LineMeaning::try_from(line(meaning, 0).meaning).unwrap().as_str_name();
            assert_eq!(name, format!("LINE_MEANING_{}", meaning.as_str().to_uppercase()));
        }
    }
}
