//! `hattama generation new` and `show`: the next generation of a log that was lost (design, D7).

use crate::{
    cli::{GenerationNewArgs, GenerationShowArgs},
    output::print,
};
use hattama_election::{definition::Definition, digest::PublicationDigest};
use hattama_election_log::{
    GenesisError, Published, Standing, create_generation, generations, last_publication, standing,
};
use hattama_precinct_gateway::read_newest_publications;
use hattama_proto::{
    gateway::v1::{GetNewestPublicationsRequest, precinct_gateway_client::PrecinctGatewayClient},
    national::v1::{GetNationalResultRequest, national_results_client::NationalResultsClient},
};
use hattama_record_log::{RecordLog, topics::TopicSet};
use hattama_service_kit::grpc::{self, MAX_ANSWER_BYTES};
use hattama_wire::{Genesis, KeptPublication};
use std::{collections::BTreeSet, error::Error, process::ExitCode, time::Duration};
use tonic::{Code, Request};

/// What the operator's instance is called towards a cluster.
const INSTANCE: &str = "operator";

/// How long a service may take to answer: it reads one row, or nothing.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error>;

/// Makes the next generation, or completes one that is half made.
pub fn make(args: &GenerationNewArgs) -> Result<ExitCode, Failure> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let election = args.election.clone().open(INSTANCE).await?;
        let made = make_on(&election.log, &election.definition, args).await;
        election.log.close().await?;
        made
    })
}

/// Lists the generations of a log.
pub fn show(args: &GenerationShowArgs) -> Result<ExitCode, Failure> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let election = args.election.clone().open(INSTANCE).await?;
        let shown = show_on(&election.log, &election.definition).await;
        election.log.close().await?;
        shown
    })
}

async fn make_on(log: &RecordLog, definition: &Definition, args: &GenerationNewArgs) -> Result<ExitCode, Failure> {
    let there = generations(log, definition).await?;
    let newest = match there.last() {
        Some(newest) => Some((*newest, standing(log, definition, *newest).await?)),
        None => None,
    };
    let mut asked = Asked { definition, published: Published::default(), silent: Vec::new(), hidden: 0 };
    asked.everybody(args).await;
    asked.the_log(log, &there).await;
    if let Some(code) = asked.who_is_silent(args)? {
        return Ok(code);
    }
    // One that somebody has read a publication of is no new one, however empty it is now: it was lost.
    let known = asked.highest_generation();
    let genesis = match newest {
        Some((generation, Standing::Empty(genesis))) if generation > known => {
            print(format_args!("generation {generation} is made already, and nothing is written to it"));
            genesis
        }
        Some((generation, Standing::HalfMade(Some(genesis)))) if generation > known => {
            print(format_args!("generation {generation} is half made: it is completed as it was begun"));
            genesis
        }
        Some((generation, Standing::HalfMade(None))) if generation > known => {
            asked.published.genesis(definition, generation)
        }
        newest => asked.published.genesis(definition, known.max(newest.map_or(0, |(generation, _)| generation)) + 1),
    };
    create_generation(log, definition, &genesis).await?;
    done(definition, &genesis)
}

/// What everybody who may know of a publication says.
struct Asked<'a> {
    definition: &'a Definition,
    published: Published,
    /// Who could not be asked, as the operator named it, and why.
    silent: Vec<(String, String)>,
    /// The highest number of a publication that gateways have and do not give away, because of an embargo.
    hidden: u64,
}

impl Asked<'_> {
    async fn everybody(&mut self, args: &GenerationNewArgs) {
        for directory in &args.journal {
            let name = directory.display().to_string();
            let records = read_newest_publications(directory);
            let records = records.map(|kept| kept.into_iter().map(|publication| publication.value).collect());
            self.take(name, records.map_err(|error| error.to_string()));
        }
        for address in &args.gateway {
            match ask_gateway(address).await {
                Ok(GatewayAnswer { told: Some(told), .. }) => {
                    print(format_args!("{address}: {}", newest(told.0)));
                    self.published.told.push(told);
                    self.hidden = self.hidden.max(told.0);
                }
                Ok(answer) => self.take(address.clone(), Ok(answer.records)),
                Err(why) => self.take(address.clone(), Err(why)),
            }
        }
        for address in &args.national {
            match ask_national(address).await {
                Ok(told) => {
                    print(format_args!("{address}: {}", told.map_or_else(nothing, |(number, _)| newest(number))));
                    self.published.told.extend(told);
                }
                Err(why) => self.silent.push((address.clone(), why)),
            }
        }
    }

    /// What is left of the log itself. A generation that cannot be read is what a new one is made for.
    async fn the_log(&mut self, log: &RecordLog, generations: &BTreeSet<u32>) {
        for generation in generations {
            let said = match self.a_generation(log, *generation).await {
                Ok(last) => last.map_or_else(nothing, newest),
                Err(error) => error.to_string(),
            };
            print(format_args!("generation {generation} of the log: {said}"));
        }
    }

    async fn a_generation(&mut self, log: &RecordLog, generation: u32) -> Result<Option<u64>, GenesisError> {
        if let Some(genesis) = genesis_of(standing(log, self.definition, generation).await?) {
            let first = &mut self.published.highest_first_sequence;
            *first = (*first).max(genesis.first_sequence);
            self.published.kept.extend(genesis.restoring_publication(self.definition));
        }
        let last = last_publication(log, self.definition, generation).await?;
        let sequence = last.as_ref().map(|last| last.body.sequence);
        self.published.kept.extend(last);
        Ok(sequence)
    }

    /// A record that no national service of the definition signed tells nothing.
    fn take(&mut self, name: String, records: Result<Vec<bytes::Bytes>, String>) {
        let opened = records.and_then(|records| {
            let open = |record| KeptPublication::open(self.definition, record).map_err(|error| error.to_string());
            records.iter().map(open).collect::<Result<Vec<_>, _>>()
        });
        match opened {
            Ok(kept) => {
                let highest = kept.iter().map(|kept| kept.body.sequence).max();
                print(format_args!("{name}: {}", highest.map_or_else(nothing, newest)));
                self.published.kept.extend(kept);
            }
            Err(why) => self.silent.push((name, why)),
        }
    }

    /// Ends the command when somebody could not be asked whom the operator does not do without.
    fn who_is_silent(&self, args: &GenerationNewArgs) -> Result<Option<ExitCode>, Failure> {
        let named = |name: &String| self.silent.iter().any(|(silent, _)| silent == name);
        if let Some(name) = args.without.iter().find(|name| !named(name)) {
            return Err(format!("--without {name}: that is none of those who could not be asked").into());
        }
        let missing: Vec<_> = self.silent.iter().filter(|(name, _)| !args.without.contains(name)).collect();
        for (name, why) in &self.silent {
            eprintln!("{name} could not be asked: {why}");
        }
        if missing.is_empty() && self.published.newest().map_or(0, |kept| kept.body.sequence) < self.hidden {
            return Err(format!(
                "votes are under embargo, and gateways do not give publication {} away: stop one gateway that has it, and name \
                 its journal with --journal instead",
                self.hidden
            )
            .into());
        }
        if missing.is_empty() {
            return Ok(None);
        }
        let flags: Vec<String> = missing.iter().map(|(name, _)| format!("--without {name}")).collect();
        eprintln!(
            "no generation is made: what only these know would be lost from the count of publications, and what only their \
             journals hold would be missing until its precincts send it again. Bring them back, or go on without them: {}",
            flags.join(" ")
        );
        Ok(Some(ExitCode::FAILURE))
    }

    fn highest_generation(&self) -> u32 {
        self.published.kept.iter().map(|kept| kept.body.generation.0).max().unwrap_or(0)
    }
}

fn genesis_of(standing: Standing) -> Option<Genesis> {
    match standing {
        Standing::HalfMade(genesis) | Standing::Damaged(genesis) => genesis,
        Standing::Empty(genesis) | Standing::InUse(genesis) => Some(genesis),
    }
}

fn nothing() -> String {
    "knows of no publication".to_owned()
}

fn newest(sequence: u64) -> String {
    format!("publication {sequence} is the newest that it knows")
}

/// What a gateway gives of its journal.
struct GatewayAnswer {
    records: Vec<bytes::Bytes>,
    /// Its newest publication, when it may not give the record away because votes in it are under embargo.
    told: Option<(u64, PublicationDigest)>,
}

async fn ask_gateway(address: &str) -> Result<GatewayAnswer, String> {
    let endpoint = grpc::endpoint(&url_of(address)).map_err(|error| error.to_string())?;
    let mut client = PrecinctGatewayClient::new(endpoint.connect_lazy());
    let mut request = Request::new(GetNewestPublicationsRequest {});
    request.set_timeout(ANSWER_DEADLINE);
    let answer = client.get_newest_publications(request).await.map_err(|status| status.message().to_owned())?;
    let publications = answer.into_inner().publications;
    let hidden = publications.iter().filter(|kept| kept.record.is_empty()).max_by_key(|kept| kept.sequence);
    let told = match hidden {
        Some(kept) => Some((kept.sequence, digest_of(&kept.digest)?)),
        None => None,
    };
    Ok(GatewayAnswer { told, records: publications.into_iter().map(|kept| kept.record).collect() })
}

fn digest_of(bytes: &[u8]) -> Result<PublicationDigest, String> {
    let digest = <[u8; 32]>::try_from(bytes).map_err(|_| "the digest of its publication has not 32 bytes")?;
    Ok(PublicationDigest(digest))
}

/// A replica knows the number of its newest publication, and keeps no record of it.
async fn ask_national(address: &str) -> Result<Option<(u64, PublicationDigest)>, String> {
    let endpoint = grpc::endpoint(&url_of(address)).map_err(|error| error.to_string())?;
    let client = NationalResultsClient::new(endpoint.connect_lazy());
    let mut request = Request::new(GetNationalResultRequest { sequence: None });
    request.set_timeout(ANSWER_DEADLINE);
    match client.max_decoding_message_size(MAX_ANSWER_BYTES).get_national_result(request).await {
        Ok(answer) => {
            let publication = answer.into_inner().publication.ok_or("its answer names no publication")?;
            Ok(Some((publication.sequence, digest_of(&publication.digest)?)))
        }
        // It runs, and has published nothing.
        Err(status)
            if status.code() == Code::Unavailable && status.message().starts_with("nothing has been published") =>
        {
            Ok(None)
        }
        Err(status) => Err(status.message().to_owned()),
    }
}

pub(super) fn url_of(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

fn done(definition: &Definition, genesis: &Genesis) -> Result<ExitCode, Failure> {
    let generation = genesis.generation.0;
    print(format_args!(
        "generation {generation} is ready: its first publication has number {}",
        genesis.first_sequence
    ));
    match genesis.restoring_publication(definition) {
        Some(before) => print(format_args!(
            "publication {} of generation {} is shown as restoring until what it counted is counted again, or given up \
             as lost (hattama generation lost)",
            before.body.sequence, before.body.generation.0
        )),
        None => print("nothing is to be restored: no publication of an earlier generation is known"),
    }
    print(format_args!(
        "Next: start all gateways, aggregators and national services again with --generation {generation}, each gateway with \
         its own journal: it sends everything that it keeps"
    ));
    Ok(ExitCode::SUCCESS)
}

async fn show_on(log: &RecordLog, definition: &Definition) -> Result<ExitCode, Failure> {
    let there = generations(log, definition).await?;
    if there.is_empty() {
        print(format_args!("the log has no generation of {}", definition.id));
    }
    for generation in there {
        let standing = standing(log, definition, generation).await?;
        let word = match &standing {
            Standing::HalfMade(_) => "half made",
            Standing::Damaged(_) => "damaged: it has lost data",
            Standing::Empty(_) => "empty",
            Standing::InUse(_) => "in use",
        };
        print(format_args!("generation {generation}: {word}"));
        if let Some(genesis) = genesis_of(standing) {
            print(format_args!("  first publication: {}", genesis.first_sequence));
            if let Some(before) = genesis.restoring_publication(definition) {
                let (sequence, of) = (before.body.sequence, before.body.generation.0);
                print(format_args!("  restores: publication {sequence} of generation {of}"));
            }
        }
        let last = last_publication(log, definition, generation).await?;
        print(format_args!(
            "  last publication: {}",
            last.map_or_else(|| "none".to_owned(), |last| last.body.sequence.to_string())
        ));
        show_ends(log, definition, generation).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Records behind the genesis, by topic and partition.
async fn show_ends(log: &RecordLog, definition: &Definition, generation: u32) -> Result<(), Failure> {
    let topics = TopicSet::new(definition.id.as_str(), generation)?;
    let there = log.topics().await?;
    for (topic, partitions) in topics.partitions(definition.shards).into_iter().rev() {
        if !there.contains_key(topic) {
            print(format_args!("  {topic}: not there"));
            continue;
        }
        let mut ends = Vec::new();
        for partition in 0..partitions {
            ends.push(log.end(topic, partition).await?.to_string());
        }
        print(format_args!("  {topic}: ends {}", ends.join(" ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_come_with_or_without_its_scheme() {
        assert_eq!(url_of("127.0.0.1:7101"), "http://127.0.0.1:7101");
        assert_eq!(url_of("https://gateway:7101"), "https://gateway:7101");
    }
}
