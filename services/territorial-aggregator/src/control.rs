//! Follows control (shard 0): every owner needs what is in force at every control position.

use hattama_election::{definition::Definition, ids::ShardId};
use hattama_election_log::next_batch_patiently;
use hattama_record_log::{LogError, RecordLog, TopicName};
use hattama_tally::{ControlFold, ControlState, Generation};
use hattama_wire::RecordOpener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Records of control read at a time: amendments are few.
const CONTROL_BATCH_RECORDS: usize = 256;

/// The fold over control, shared: the follower writes it, owners read states from it.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    fold: Arc<Mutex<ControlFold>>,
    newest: watch::Receiver<Arc<ControlState>>,
}

impl Control {
    /// The newest state, and a way to wait for the next.
    pub(crate) fn newest(&self) -> watch::Receiver<Arc<ControlState>> {
        self.newest.clone()
    }

    /// The state at a control position, once it is reached. None when control is followed no longer.
    pub(crate) async fn state_at(&self, next_offset: u64) -> Option<Arc<ControlState>> {
        let mut newest = self.newest.clone();
        newest.wait_for(|state| state.next_offset() >= next_offset).await.ok()?;
        self.fold().state_at(next_offset)
    }

    fn fold(&self) -> MutexGuard<'_, ControlFold> {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fold over control, and the task that reads control into it.
pub(crate) fn follow(
    log: &RecordLog,
    topic: &TopicName,
    definition: &Arc<Definition>,
    generation: Generation,
    genesis: &[u8],
) -> (Control, impl Future<Output = Result<(), LogError>> + Send + 'static + use<>) {
    let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
    let fold = ControlFold::new(Arc::clone(definition), generation, genesis);
    let (announce, newest) = watch::channel(Arc::clone(fold.state()));
    let fold = Arc::new(Mutex::new(fold));
    let control = Control { fold: Arc::clone(&fold), newest };
    let mut reader = log.reader(topic, ShardId::CONTROL.0, 1);
    let mut told = None;
    let follower = async move {
        loop {
            let batch = next_batch_patiently(&mut reader, CONTROL_BATCH_RECORDS).await?;
            let values: Vec<&[u8]> = batch.iter().map(|record| record.value.as_ref()).collect();
            let state = {
                let mut fold = fold.lock().unwrap_or_else(PoisonError::into_inner);
                fold.apply(&values, &opener);
                Arc::clone(fold.state())
            };
            tell_once(&mut told, state.amendments_stopped());
            announce.send_replace(state);
        }
    };
    (control, follower)
}

/// Tells why amendments stop: once for each reason, not with every batch that comes while it lasts.
fn tell_once(told: &mut Option<String>, why: Option<&str>) {
    if told.as_deref() == why {
        return;
    }
    *told = why.map(str::to_owned);
    if let Some(why) = why {
        tracing::error!(why, "amendments stop here: the commission must withdraw or complete them (docs/promises.md)");
    }
}
