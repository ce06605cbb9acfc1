//! Inventories on their way to the disk: whatever waits while one commit is under way goes with the next, so that many at once cost
//! little more than one.

use sekisho_base::clock::Clock;
use sekisho_store::{NewInventory, Store, StoreError};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Inventories that go together at most, and as many that wait; then whoever comes waits to wait.
const TOGETHER: usize = 64;

/// What waits, with whom to tell when it is kept.
type Waiting = (NewInventory, oneshot::Sender<Result<(), StoreError>>);

/// Where inventories are handed in.
pub(crate) struct Intake(mpsc::Sender<Waiting>);

impl Intake {
    /// Keeps what comes in `store`, for as long as there is anybody to hand something in.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let (sender, receiver) = mpsc::channel(TOGETHER);
        tokio::spawn(keep(store, clock, receiver));
        Self(sender)
    }

    /// Done when it is on disk.
    pub(crate) async fn take(&self, inventory: NewInventory) -> Result<(), StoreError> {
        let (sender, kept) = oneshot::channel();
        if self.0.send((inventory, sender)).await.is_err() {
            return Err(StoreError::Ended);
        }
        kept.await.unwrap_or(Err(StoreError::Ended))
    }
}

async fn keep(store: Store, clock: Arc<dyn Clock>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut some = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut some, TOGETHER).await > 0 {
        let (inventories, senders): (Vec<NewInventory>, Vec<_>) = some.drain(..).unzip();
        let together = store.inventory_put(&inventories, clock.now()).await;
        if together.is_err() && inventories.len() > 1 {
            // It may be the fault of one, which must not be that of all.
            for (inventory, sender) in inventories.into_iter().zip(senders) {
                let _ = sender.send(store.inventory_put(&[inventory], clock.now()).await);
            }
            continue;
        }
        let mut together = Some(together);
        for sender in senders {
            // Whoever does not wait any more has asked in vain, and nothing is wrong with what was kept.
            let _ = sender.send(together.take().unwrap_or(Ok(())));
        }
    }
}
