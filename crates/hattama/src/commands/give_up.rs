//! `hattama generation give-up`: an operator's signed decision that records of a lost log will not come again (design, D7).

use super::missing::{self, Missing, MissingList, count, national_client, print_by_shard, with_deadline};
use crate::{cli::GenerationGiveUpArgs, output::print};
use hattama_election::{
    amendment::{Amendment, AmendmentContent, Change, MAX_LOST_RANGES, RecordRange},
    definition::{Authority, AuthorityRole, Definition, DefinitionFiles, KeyRole},
    digest::SubmissionDigest,
    ids::{AuthorityId, ShardId},
    instant::Instant,
    rules::impossible,
    submission::SubmissionBody,
};
use hattama_proto::{
    gateway::v1::{GetReceiptRequest, Receipt, SubmitRequest, precinct_gateway_client::PrecinctGatewayClient},
    national::v1::{GetNationalResultRequest, GetNationalResultResponse},
};
use hattama_service_kit::{grpc, secret};
use hattama_tally::Outcome;
use hattama_wire::{SignedSubmission, SigningKey, outcome_from_proto, sign_submission};
use std::{collections::BTreeSet, error::Error, path::Path, process::ExitCode, time::Duration};
use tokio::time::{Instant as Moment, sleep};
use tonic::transport::Channel;

/// How long an outcome and the publication that covers it are waited for: both come within seconds while the services run.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A million ranges. Whoever has more to give up has lost so much that shard after shard is better.
const MAX_AMENDMENTS: usize = 1_000;

type Failure = Box<dyn Error>;

/// Shows what would be given up, and with `--yes` signs and submits it.
pub fn run(args: &GenerationGiveUpArgs) -> Result<ExitCode, Failure> {
    let definition = Definition::load(&DefinitionFiles::read(&args.definition)?)?;
    let list = MissingList::read(&args.list)?;
    list.is_of(&definition)?;
    let author = author(&definition, &args.author)?;
    let key = key_of(&definition, &author, args.key.as_deref())?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let missing = missing::ask(&args.national).await?;
        missing.is_of(&definition)?;
        let Some(still) = what_is_left(&list, &missing)? else { return Ok(ExitCode::FAILURE) };
        preview(&definition, &list, &missing, &still);
        let first = missing.answer.amendments_applied + 1;
        let amendments = amendments(&list, &still, first, &author, &args.reason)?;
        are_possible(&definition, &amendments)?;
        let last = first + u32::try_from(amendments.len() - 1)?;
        if let Some(why) = without_control(&missing.ranges).filter(|_| !args.without_control) {
            eprintln!("{why}");
            return Ok(ExitCode::FAILURE);
        }
        if !args.yes {
            print(format_args!(
                "nothing is signed. With --yes {author} signs this as amendment{}",
                if first == last { format!(" {first}") } else { format!("s {first} to {last}") }
            ));
            return Ok(ExitCode::SUCCESS);
        }
        let signer = Signer { definition: &definition, key };
        if !signer.submit(&args.gateway, amendments).await? {
            return Ok(ExitCode::FAILURE);
        }
        told(&args.national, list.generation, last).await
    })
}

/// Of the list, what is still missing; none when there is nothing to give up.
fn what_is_left(list: &MissingList, missing: &Missing) -> Result<Option<Vec<RecordRange>>, Failure> {
    let Some(restoring) = &missing.restoring else {
        eprintln!("nothing is given up: nothing is missing, since nothing is being restored");
        return Ok(None);
    };
    if (restoring.generation, restoring.sequence) != (list.generation, list.publication) {
        return Err(format!(
            "the list is of publication {} of generation {}, and publication {} of generation {} is being restored: make a new \
             list with `hattama generation lost`",
            list.publication, list.generation, restoring.sequence, restoring.generation
        )
        .into());
    }
    if !missing.answer.amendments_stopped.is_empty() {
        let why = &missing.answer.amendments_stopped;
        return Err(format!("the amendments stand still, and a new one would wait with them: {why}").into());
    }
    let still = list.still(&missing.ranges);
    if still.is_empty() {
        eprintln!("nothing is given up: nothing of the list is missing any more");
        return Ok(None);
    }
    Ok(Some(still))
}

fn preview(definition: &Definition, list: &MissingList, missing: &Missing, still: &[RecordRange]) {
    let generation = list.generation;
    print(format_args!("{} records of generation {generation} are given up as lost:", count(still)));
    print_by_shard(still, |shard| named(definition, shard));
    let came = count(&list.ranges().collect::<Vec<_>>()) - count(still);
    if came > 0 {
        print(format_args!("{came} of the list are back or given up already, and are left out"));
    }
    let more = count(&missing.ranges) - count(still);
    if more > 0 {
        print(format_args!("{more} more are missing that the list does not name: \"restoring\" stays for them"));
    }
    print(
        "No figure changes by it. Results go on saying what was given up; what comes all the same is counted. It cannot be taken \
         back",
    );
}

/// Whatever is signed now takes the next number that is known here: a lost amendment may have it.
fn without_control(missing: &[RecordRange]) -> Option<String> {
    let control: Vec<_> = missing.iter().copied().filter(|range| range.shard == ShardId::CONTROL).collect();
    (!control.is_empty()).then(|| {
        format!(
            "nothing is signed: {} records of control are missing, and amendments may be among them. One that turns up later under a \
             number that is used now contests it: neither is in force then. Have the central commission and the operator send \
             theirs again first; --without-control goes on when these are known to be none, or gone for good",
            count(&control)
        )
    })
}

/// A shard and the regions of its stations.
fn named(definition: &Definition, shard: ShardId) -> String {
    if shard == ShardId::CONTROL {
        return format!("shard {shard} (control)");
    }
    let regions: BTreeSet<_> =
        definition.stations_of_shard(shard).map(|(_, station)| usize::from(station.region.0)).collect();
    let names: Vec<&str> = regions.into_iter().map(|region| definition.regions[region].name.en.as_str()).collect();
    format!("shard {shard} ({})", names.join(", "))
}

/// As many amendments as it takes, numbered from `first` on.
fn amendments(
    list: &MissingList,
    still: &[RecordRange],
    first: u32,
    author: &AuthorityId,
    reason: &str,
) -> Result<Vec<Amendment>, Failure> {
    let parts = still.chunks(MAX_LOST_RANGES);
    if parts.len() > MAX_AMENDMENTS {
        return Err(format!(
            "{} amendments are more than the {MAX_AMENDMENTS} that one command signs: shorten the list, and give up the rest after",
            parts.len()
        )
        .into());
    }
    let signed_at = Instant(jiff::Timestamp::now().as_second());
    let amendment = |(number, ranges): (u32, &[RecordRange])| {
        let change = Change::RecordsLost { generation: list.generation, ranges: ranges.to_vec() };
        let content = AmendmentContent { number, author: author.clone(), change };
        Amendment { content, reason: reason.to_owned(), signed_at }
    };
    Ok((first..).zip(parts).map(amendment).collect())
}

/// What the gateway would refuse is said before anything is signed: a missing reason, or one that is too long.
fn are_possible(definition: &Definition, amendments: &[Amendment]) -> Result<(), Failure> {
    match amendments.iter().flat_map(|amendment| impossible::amendment(definition, amendment)).next() {
        None => Ok(()),
        Some(fault) => Err(format!("{}: {}", fault.field, fault.code.rule().text.en).into()),
    }
}

fn author(definition: &Definition, id: &str) -> Result<AuthorityId, Failure> {
    let may_amend = |authority: &&Authority| matches!(authority.role, AuthorityRole::Central | AuthorityRole::Operator);
    let all: Vec<_> = definition.authorities.iter().filter(may_amend).map(|authority| &authority.id).collect();
    match all.iter().find(|author| author.as_str() == id) {
        Some(author) => Ok((*author).clone()),
        None => {
            let names: Vec<&str> = all.iter().map(|author| author.as_str()).collect();
            Err(format!("`{id}` may not amend: of this definition may {}", names.join(", ")).into())
        }
    }
}

/// The key in the file, else the rehearsal key of the author.
fn key_of(definition: &Definition, author: &AuthorityId, file: Option<&Path>) -> Result<SigningKey, Failure> {
    if let Some(path) = file {
        return Ok(SigningKey::from_seed(secret::read_seed(path)?)?);
    }
    let keys = definition.rehearsal.as_ref().ok_or("an official election has no rehearsal keys: give --key")?;
    Ok(SigningKey::rehearsal(keys, KeyRole::Authority, author.as_str())?)
}

struct Signer<'a> {
    definition: &'a Definition,
    key: SigningKey,
}

impl Signer<'_> {
    /// One after the other, each once the one before is in force: what stands still then is one amendment at most.
    async fn submit(&self, gateway: &str, amendments: Vec<Amendment>) -> Result<bool, Failure> {
        let endpoint = grpc::endpoint(&super::generation::url_of(gateway))?;
        let mut client = PrecinctGatewayClient::new(endpoint.connect_lazy());
        for amendment in amendments {
            let number = amendment.content.number;
            let body = SubmissionBody::Amendment(amendment);
            let signed = sign_submission(&self.key, &self.definition.id, &self.definition.core_digest, &body);
            let outcome = became(&mut client, number, &signed).await?;
            print(format_args!("amendment {number}: {outcome}"));
            // The same content was signed and submitted before.
            if !outcome.starts_with(Outcome::Counted.as_str()) && !outcome.starts_with(Outcome::Duplicate.as_str()) {
                eprintln!(
                    "amendment {number} is not in force, and none is signed behind it: docs/rules.md says what its rules mean"
                );
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Submits it and waits for its outcome, with its rules.
async fn became(
    client: &mut PrecinctGatewayClient<Channel>,
    number: u32,
    signed: &SignedSubmission,
) -> Result<String, Failure> {
    let request = with_deadline(SubmitRequest { submission: Some(signed.to_proto()) });
    if let Err(status) = client.submit(request).await {
        return Err(format!("the gateway did not take amendment {number}: {}", status.message()).into());
    }
    let deadline = Moment::now() + PATIENCE;
    while Moment::now() < deadline {
        if let Some(outcome) = outcome_of(client, &signed.digest()).await {
            return Ok(outcome);
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(format!(
        "the gateway keeps amendment {number}, and it has no outcome after {} s: see that the aggregator of shard 0 runs. Do not \
         repeat this command before the amendment has its outcome: another list under its number would contest it",
        PATIENCE.as_secs()
    )
    .into())
}

/// None while it has none, or the gateway does not answer just now.
async fn outcome_of(client: &mut PrecinctGatewayClient<Channel>, digest: &SubmissionDigest) -> Option<String> {
    let request = GetReceiptRequest { digest: digest.0.to_vec().into() };
    let answer = client.get_receipt(with_deadline(request)).await.ok()?;
    let Receipt { standing, .. } = answer.into_inner().receipt?;
    let standing = standing?;
    let outcome = outcome_from_proto(standing.outcome)?.as_str();
    Some(if standing.rules.is_empty() {
        outcome.to_owned()
    } else {
        format!("{outcome} ({})", standing.rules.join(", "))
    })
}

/// Waits for the first publication under which the amendments are in force, and says what it says.
async fn told(national: &str, generation: u32, last: u32) -> Result<ExitCode, Failure> {
    let mut client = national_client(national)?;
    let deadline = Moment::now() + PATIENCE;
    while Moment::now() < deadline {
        let request = with_deadline(GetNationalResultRequest { sequence: None });
        if let Ok(answer) = client.get_national_result(request).await
            && let Some(said) = what_it_says(&answer.into_inner(), generation, last)
        {
            print(said);
            return Ok(ExitCode::SUCCESS);
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(format!("they are in force, and {national} shows no publication with them after {} s", PATIENCE.as_secs())
        .into())
}

/// None when the amendments are not in force in it.
fn what_it_says(result: &GetNationalResultResponse, generation: u32, last: u32) -> Option<String> {
    let lost = result.lost_records.iter().find(|lost| lost.generation == generation)?;
    if !lost.amendments.contains(&last) {
        return None;
    }
    let sequence = result.publication.as_ref()?.sequence;
    let lost = lost.records;
    Some(match &result.restoring {
        None => {
            format!("publication {sequence}: nothing is being restored any more; it says that {lost} records are lost")
        }
        Some(restoring) => {
            let settled = restoring.records_back.saturating_add(restoring.records_lost);
            let missing = restoring.records.saturating_sub(settled);
            format!("publication {sequence}: {missing} records are still missing, and it goes on being restored")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::definition::sample;

    #[test]
    fn a_long_list_becomes_several_amendments_with_numbers_of_their_own() {
        let list: MissingList = serde_json::from_str(
            r#"{ "election": "e", "core_digest": "d", "generation": 3, "publication": 7, "ranges": [] }"#,
        )
        .unwrap();
        let (definition, author) = (sample::definition(), AuthorityId::new("operator").unwrap());
        let still: Vec<_> = (0..=2 * MAX_LOST_RANGES as u64)
            .map(|n| RecordRange { shard: ShardId(1), first: 2 * n + 1, last: 2 * n + 1 })
            .collect();
        let signed = amendments(&list, &still, 5, &author, "a disk").unwrap();
        assert_eq!(signed.iter().map(|one| one.content.number).collect::<Vec<_>>(), [5, 6, 7]);
        let mut all = Vec::new();
        for amendment in &signed {
            assert_eq!(impossible::amendment(&definition, amendment), []);
            let Change::RecordsLost { generation: 3, ranges } = &amendment.content.change else { panic!() };
            all.extend(ranges.iter().copied());
        }
        assert_eq!(all, still);
        let too_many = vec![still[0]; MAX_LOST_RANGES * MAX_AMENDMENTS + 1];
        assert!(
            amendments(&list, &too_many, 1, &author, "a disk").unwrap_err().to_string().contains("1001 amendments")
        );
    }

    #[test]
    fn while_records_of_control_are_missing_nothing_is_signed_by_the_way() {
        let range = |shard, first, last| RecordRange { shard: ShardId(shard), first, last };
        assert_eq!(without_control(&[range(1, 1, 9), range(2, 1, 1)]), None);
        let why = without_control(&[range(0, 2, 3), range(0, 7, 7), range(1, 1, 9)]).unwrap();
        assert!(why.contains("3 records of control") && why.contains("--without-control"), "{why}");
    }

    #[test]
    fn only_the_central_commission_and_the_operator_give_up() {
        let definition = sample::definition();
        for may in ["operator", "cec"] {
            let author = author(&definition, may).unwrap();
            let key = key_of(&definition, &author, None).unwrap();
            assert_eq!(definition.authority(&author).unwrap().key, key.public_key());
        }
        let refused = author(&definition, "tec-north").unwrap_err().to_string();
        assert!(refused.contains("cec") && refused.contains("operator"), "{refused}");
    }
}
