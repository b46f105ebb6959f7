//! Control: which keys are in force.

use std::sync::Arc;

use hattama_tally::{ControlFold, ControlState};
use hattama_wire::RecordOpener;
use tokio::sync::{oneshot, watch};

use super::{Source, WrongLog};

/// Folds control for ever, and tells each new state. `caught_up` is told when the end of control at the start is reached.
///
/// # Errors
/// The log is another election's.
pub(crate) async fn follow(
    source: Arc<Source>,
    states: watch::Sender<Arc<ControlState>>,
    caught_up: oneshot::Sender<()>,
) -> Result<(), WrongLog> {
    let topic = &source.topics.submissions;
    let genesis = source.genesis_patiently(topic, 0).await?.value;
    let definition = &source.definition;
    let opener = RecordOpener { election: definition.id.clone(), core_digest: definition.core_digest };
    let mut fold = ControlFold::new(Arc::clone(definition), source.generation, &genesis);
    let end = source.end_patiently(topic, 0).await;
    let mut reader = source.reader(topic, 0);
    let mut caught_up = Some(caught_up);
    loop {
        if reader.position() >= end
            && let Some(caught_up) = caught_up.take()
        {
            // Whoever started the gateway may not have waited so long.
            let _ = caught_up.send(());
        }
        let batch = reader.next_batch().await;
        let values: Vec<&[u8]> = batch.iter().map(|record| record.value.as_ref()).collect();
        fold.apply(&values, &opener);
        states.send_replace(Arc::clone(fold.state()));
    }
}
