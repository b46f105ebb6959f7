//! A definition in a few lines, for people to compare with what they know of the election.

use super::{Definition, Provenance, Purpose, tally_size::tally_sizes};
use crate::{digest::CoreDigest, ids::ShardId};
use std::fmt;

/// What a definition has, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionSummary {
    /// The election's id.
    pub id: String,
    /// Its purpose.
    pub purpose: Purpose,
    /// Where its figures come from.
    pub provenance: Provenance,
    /// Regions.
    pub regions: usize,
    /// Territories.
    pub territories: usize,
    /// Single-mandate districts.
    pub districts: usize,
    /// Stations.
    pub stations: usize,
    /// Of the stations: those without a district.
    pub stations_without_district: usize,
    /// Voters on the lists of all stations when the election starts.
    pub register: u64,
    /// Contests, templates expanded.
    pub contests: usize,
    /// Options of all contests, without "against all".
    pub options: usize,
    /// Forms.
    pub forms: usize,
    /// Turnout slots.
    pub slots: usize,
    /// Commissions and offices.
    pub authorities: usize,
    /// Services.
    pub services: usize,
    /// Shards, control not included.
    pub shards: u32,
    /// The shard with the largest possible tally, and its bytes; none without stations.
    pub largest_tally: Option<(ShardId, u64)>,
    /// The core digest.
    pub core_digest: CoreDigest,
    /// Which contests have which legal rules, each rule with its article and how sure we are of it: contests with the same
    /// rules are told together.
    pub legal_rules: Vec<(String, Vec<String>)>,
}

impl Definition {
    /// Counts what the definition has.
    #[must_use]
    pub fn summary(&self) -> DefinitionSummary {
        let largest = tally_sizes(self).into_iter().max_by_key(|size| (size.bytes, std::cmp::Reverse(size.shard)));
        DefinitionSummary {
            id: self.id.to_string(),
            purpose: self.purpose,
            provenance: self.provenance,
            regions: self.regions.len(),
            territories: self.territories.len(),
            districts: self.districts.len(),
            stations: self.stations.len(),
            stations_without_district: self.stations.iter().filter(|station| station.district.is_none()).count(),
            register: self.stations.iter().map(|station| u64::from(station.register)).sum(),
            contests: self.contests.len(),
            options: self.contests.iter().map(|contest| contest.options.len()).sum(),
            forms: self.forms.len(),
            slots: self.slots.len(),
            authorities: self.authorities.len(),
            services: self.services.len(),
            shards: self.shards.saturating_sub(1),
            largest_tally: largest.map(|size| (size.shard, size.bytes)),
            core_digest: self.core_digest,
            legal_rules: legal_rules(self),
        }
    }
}

/// In the order of the contests.
fn legal_rules(definition: &Definition) -> Vec<(String, Vec<String>)> {
    let mut told: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for contest in &definition.contests {
        let rules = contest.method.legal_rules().into_iter().map(|rule| {
            let name = format!("{} {}", rule.rule.replace('_', " "), rule.value.replace('_', " "));
            format!("[{}] {}: {}", rule.source.certainty, name.trim_end(), rule.source.article)
        });
        let rules: Vec<String> = rules.collect();
        match told.iter_mut().find(|(_, others)| *others == rules) {
            Some((contests, _)) => contests.push(contest.id.as_str()),
            None => told.push((vec![contest.id.as_str()], rules)),
        }
    }
    let name = |contests: Vec<&str>| match contests.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    };
    told.into_iter().map(|(contests, rules)| (name(contests), rules)).collect()
}

impl fmt::Display for DefinitionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purpose = match self.purpose {
            Purpose::Official => "official",
            Purpose::Rehearsal => "rehearsal",
        };
        let provenance = match self.provenance {
            Provenance::Live => "live",
            Provenance::Generated => "generated",
            Provenance::Recorded => "recorded",
        };
        writeln!(f, "election         {} ({purpose}, {provenance} figures)", self.id)?;
        writeln!(f, "core digest      {}", self.core_digest)?;
        for (what, count) in
            [("regions", self.regions), ("territories", self.territories), ("districts", self.districts)]
        {
            writeln!(f, "{what:<16} {}", grouped(count as u64))?;
        }
        let (all, without) = (grouped(self.stations as u64), grouped(self.stations_without_district as u64));
        writeln!(f, "stations         {all} ({without} without a district)")?;
        writeln!(f, "register         {}", grouped(self.register))?;
        writeln!(f, "contests         {} with {} options", self.contests, grouped(self.options as u64))?;
        writeln!(f, "forms            {}", self.forms)?;
        writeln!(f, "turnout slots    {}", self.slots)?;
        writeln!(f, "authorities      {}", self.authorities)?;
        writeln!(f, "services         {}", self.services)?;
        writeln!(f, "shards           {} and control", self.shards)?;
        match self.largest_tally {
            Some((shard, bytes)) => write!(f, "largest tally    {} bytes at most (shard {shard})", grouped(bytes))?,
            None => write!(f, "largest tally    none")?,
        }
        for (contests, rules) in &self.legal_rules {
            write!(f, "\n\nlegal rules of {contests}")?;
            for rule in rules {
                write!(f, "\n  {rule}")?;
            }
        }
        Ok(())
    }
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 12_032_550].map(grouped), ["0", "999", "1,000", "12,032,550"]);
    }
}
