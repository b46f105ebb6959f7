//! The sample definition loads, and what the loader made of it is right.

use hattama_election::{
    definition::{
        Authority, AuthorityRole, DefinitionFiles, DistrictIndex, Holder, KeyRole, LegalSource, Method, Provenance,
        Purpose, TerritoryIndex, Units, core_digest, sample,
    },
    form::{Certainty, LineMeaning},
    ids::{AuthorityId, ContestId, ShardId, SlotId, StationId},
    instant::Instant,
    rules::{RuleCode, Severity},
};

#[test]
fn the_sample_says_what_its_files_say() {
    let definition = sample::definition();
    assert_eq!(definition.id.as_str(), "sample");
    assert_eq!((definition.purpose, definition.provenance), (Purpose::Rehearsal, Provenance::Generated));
    assert_eq!(definition.core_digest, core_digest(&sample::definition_files()));
    assert_eq!(definition.rehearsal, Some(sample::keys()));
    assert_eq!(definition.shards, 5);
    assert_eq!(definition.forms[0].lines.len(), LineMeaning::ALL.len());
    let slots: Vec<_> = definition.slots.iter().map(|slot| slot.id.as_str()).collect();
    assert_eq!(slots, ["10-00", "14-00", "20-00"]);
    assert_eq!(definition.slot(&SlotId::new("14-00").unwrap()).unwrap().0.0, 1);
}

#[test]
fn stations_are_in_the_order_of_their_ids_and_close_with_their_region() {
    let definition = sample::definition();
    assert!(definition.stations.windows(2).all(|pair| pair[0].id < pair[1].id));
    for (id, _, _, _, shard, register) in sample::STATIONS {
        let (index, station) = definition.station(&StationId::new(id).unwrap()).unwrap();
        assert_eq!(definition.stations[index.0 as usize].id, station.id);
        assert_eq!((station.shard, station.register), (ShardId(shard), register));
    }
    let (_, abroad) = definition.station(&StationId::new("abroad-001").unwrap()).unwrap();
    assert_eq!(abroad.polls_close, Instant::parse("2030-06-02T20:00:00Z").unwrap());
    assert_eq!(abroad.district, None);
}

#[test]
fn one_contest_a_district_comes_from_the_template() {
    let definition = sample::definition();
    let ids: Vec<_> = definition.contests.iter().map(|contest| contest.id.as_str()).collect();
    assert_eq!(ids, ["council-list", "council-d-1", "council-d-2"]);
    let (_, contest) = definition.contest(&ContestId::new("council-d-2").unwrap()).unwrap();
    assert_eq!(contest.units, Units::District(DistrictIndex(1)));
    assert_eq!(contest.name.en, "Council: District 2");
    assert_eq!(contest.options.iter().map(|option| option.id.as_str()).collect::<Vec<_>>(), ["c-1", "c-2"]);
    assert!(matches!(contest.method, Method::Plurality(_)));

    let of = |id: &str| {
        let (_, station) = definition.station(&StationId::new(id).unwrap()).unwrap();
        definition.contests_of(station).map(|contest| contest.0).collect::<Vec<_>>()
    };
    assert_eq!((of("north-001"), of("south-003"), of("abroad-001")), (vec![0, 1], vec![0, 2], vec![0]));
}

#[test]
fn each_rule_of_a_method_has_its_own_article_and_certainty() {
    let definition = sample::definition();
    let mark = |source: &LegalSource| (source.article.clone(), source.certainty);
    let is = |article: &str, certainty| (article.to_owned(), certainty);
    let Method::List(list) = &definition.contests[0].method else { panic!() };
    let threshold = list.threshold.as_ref().unwrap();
    let sole = list.sole_list_runner_up_minimum.as_ref().unwrap();
    assert_eq!(mark(&list.allocation.source), is("sample, art. 1", Certainty::Press));
    assert_eq!(mark(&threshold.source), is("sample, art. 2", Certainty::Found));
    assert_eq!(mark(&threshold.of.source), is("sample, art. 2, by arithmetic", Certainty::Derived));
    assert_eq!((sole.value, mark(&sole.source)), (2, is("sample, art. 3", Certainty::Older)));
    assert_eq!(mark(&list.ties), is("no law found for equal claims", Certainty::Assumed));
    let no_list = is("no law found for no list over the threshold", Certainty::Assumed);
    assert_eq!(mark(&list.no_list_over_threshold), no_list);
    let Method::Plurality(plurality) = &definition.contests[1].method else { panic!() };
    assert_eq!(mark(&plurality.source), is("sample, art. 4", Certainty::Press));
    let ahead = is("no law found for against all ahead", Certainty::Assumed);
    assert_eq!(mark(&plurality.against_all_ahead.source), ahead);
    assert_eq!(mark(&plurality.ties), is("no law found for equal votes", Certainty::Assumed));
}

#[test]
fn authorities_are_the_commissions_and_offices_in_the_order_of_their_ids() {
    let definition = sample::definition();
    let ids: Vec<_> = definition.authorities.iter().map(|authority| authority.id.as_str()).collect();
    assert_eq!(
        ids,
        ["cec", "dec-d-1", "dec-d-2", "operator", "tec-abroad", "tec-north-a", "tec-north-b", "tec-south-a"]
    );
    let role = |id: &str| definition.authority(&AuthorityId::new(id).unwrap()).unwrap().role;
    assert_eq!(role("tec-north-b"), AuthorityRole::Territorial(TerritoryIndex(1)));
    assert_eq!(role("dec-d-2"), AuthorityRole::District(DistrictIndex(1)));
    assert_eq!((role("cec"), role("operator")), (AuthorityRole::Central, AuthorityRole::Operator));
}

#[test]
fn every_key_leads_to_its_holder() {
    let definition = sample::definition();
    let holder = |role, id: &str| {
        let key = sample::keys().public_key(role, id).unwrap();
        let (found, holder) = definition.key(&key.id()).unwrap();
        assert_eq!(*found, key);
        holder
    };
    for (index, station) in definition.stations.iter().enumerate() {
        let Holder::Station(found) = holder(KeyRole::Station, station.id.as_str()) else { panic!("{}", station.id) };
        assert_eq!(found.0 as usize, index);
    }
    let authority = |role, id: &str| -> &Authority {
        let Holder::Authority(index) = holder(role, id) else { panic!("{id}") };
        &definition.authorities[usize::from(index)]
    };
    assert_eq!(authority(KeyRole::Authority, "cec").id.as_str(), "cec");
    assert_eq!(authority(KeyRole::Territorial, "north-b").id.as_str(), "tec-north-b");
    assert_eq!(authority(KeyRole::District, "d-1").id.as_str(), "dec-d-1");
    let Holder::Service(index) = holder(KeyRole::Service, "national") else { panic!() };
    assert_eq!(definition.services[usize::from(index)].id.as_str(), "national");
}

#[test]
fn severities_are_the_catalogues_unless_the_definition_changes_them() {
    let mut files = sample::definition_files();
    let text = String::from_utf8(files.get("election.toml").unwrap().to_vec()).unwrap();
    let text =
        text.replace("INVALID_SHARE_HIGH = \"flag\"", "INVALID_SHARE_HIGH = \"hold\"\nTURNOUT_COMPLETE = \"off\"");
    files.set("election.toml", text.into_bytes());
    let definition = hattama_election::definition::Definition::load(&files).unwrap();
    for &code in RuleCode::ALL {
        let expected = match code {
            RuleCode::InvalidShareHigh => Severity::Hold,
            RuleCode::TurnoutComplete => Severity::Off,
            _ => code.default_severity(),
        };
        assert_eq!(definition.severities[&code], expected, "{code}");
    }
}

#[test]
fn the_files_may_come_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let files = sample::definition_files();
    files.write(folder.path()).unwrap();
    std::fs::write(folder.path().join("sources.md"), "for people").unwrap();
    assert_eq!(DefinitionFiles::read(folder.path()).unwrap(), files);
}

#[test]
fn the_summary_is_a_short_table_and_the_legal_rules() {
    let summary = sample::definition().summary();
    let digest = summary.core_digest;
    let expected = format!(
        "\
election         sample (rehearsal, generated figures)
core digest      {digest}
regions          3
territories      4
districts        2
stations         8 (1 without a district)
register         10,075
contests         3 with 9 options
forms            2
turnout slots    3
authorities      8
services         3
shards           4 and control
largest tally    1,499 bytes at most (shard 1)"
    );
    let summary = summary.to_string();
    let (table, rules) = summary.split_once("\n\n").unwrap();
    assert_eq!(table, expected);
    // Contests with the same rules are told together.
    assert_eq!(rules.matches("legal rules of ").count(), 2, "{rules}");
    for rule in sample::definition().contests.iter().flat_map(|contest| contest.method.legal_rules()) {
        assert!(rules.contains(&rule.source.article), "{rules}");
        assert!(rules.contains(&format!("[{}] {}", rule.source.certainty, rule.rule.replace('_', " "))), "{rules}");
    }
}
