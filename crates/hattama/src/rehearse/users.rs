//! The users of a secure cluster: who plays the night is the operator, each service is its own user with the least rights.

use crate::cli::RehearseArgs;
use hattama_election_log::ClusterSettings;
use hattama_night_play::processes::Service;
use std::path::PathBuf;

/// Makes the topics, writes their genesis, reads everything.
const OPERATOR: &str = "operator";

/// How the night's parts reach the cluster.
#[derive(Debug, Clone)]
pub struct Users {
    common: ClusterSettings,
    secrets: Option<PathBuf>,
}

impl Users {
    /// As the command line says.
    pub fn of(args: &RehearseArgs) -> Self {
        Self { common: args.kafka.clone(), secrets: args.kafka_users.clone() }
    }

    /// How the log is made, followed and read.
    pub fn operator(&self) -> ClusterSettings {
        self.named(OPERATOR)
    }

    /// How a service reaches the log.
    pub fn service(&self, service: Service) -> ClusterSettings {
        match service {
            Service::Gateway => self.named("gateway"),
            Service::Aggregator => self.named("aggregator"),
            Service::National => self.named("national"),
            // It asks the national service, and never the log.
            Service::Board => ClusterSettings::default(),
        }
    }

    /// How an intruder writes to the log past the gateways, if that is another way than the operator's: nobody but a gateway
    /// may write submissions.
    pub fn intruder(&self) -> Option<ClusterSettings> {
        self.secrets.as_ref().map(|_| self.service(Service::Gateway))
    }

    fn named(&self, user: &str) -> ClusterSettings {
        let Some(secrets) = &self.secrets else { return self.common.clone() };
        ClusterSettings {
            ca_file: Some(secrets.join("ca.pem")),
            user: Some(user.to_owned()),
            password_file: Some(secrets.join(format!("{user}.password"))),
            ..self.common.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(secrets: Option<&str>) -> Users {
        let common = ClusterSettings { brokers: Some("b:1".to_owned()), ..ClusterSettings::default() };
        Users { common, secrets: secrets.map(PathBuf::from) }
    }

    #[test]
    fn each_service_of_a_secure_night_is_its_own_user() {
        let secure = users(Some("secure"));
        let flags = secure.service(Service::National).flags();
        let wanted = [
            "--brokers=b:1",
            "--kafka-ca-file=secure/ca.pem",
            "--kafka-user=national",
            "--kafka-password-file=secure/national.password",
        ];
        assert_eq!(flags, wanted);
        assert_eq!(secure.operator().user.as_deref(), Some("operator"));
        assert_eq!(secure.intruder().and_then(|settings| settings.user).as_deref(), Some("gateway"));
        assert!(secure.service(Service::Board).flags().is_empty());
    }

    #[test]
    fn without_users_all_reach_the_cluster_alike() {
        let open = users(None);
        assert_eq!(open.service(Service::Gateway).flags(), open.operator().flags());
        assert!(open.intruder().is_none());
    }
}
