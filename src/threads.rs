//! Work that several threads share: as many as there are processors, or as the system gives. Where a limit of processes is
//! reached, the thread that asks does it alone.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle, ScopedJoinHandle};

/// Has up to `wanted` threads do `work` at once, this one among them; answers what each gave.
pub(crate) fn at_once<T: Send>(wanted: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let start = |_| Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (1..wanted).map_while(start).collect();
        let mut given = vec![work()];
        let others = others.into_iter().map(ScopedJoinHandle::join);
        given.extend(others.map(ended));
        given
    })
}

/// Does two things, at once if it can; answers what both gave.
pub(crate) fn both<A: Send, B>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    // What is given to a thread that can't be had is lost.
    let left = Mutex::new(Some(one));
    let one = || take(&left).map(|one| one());
    thread::scope(|scope| {
        let started = Builder::new().spawn_scoped(scope, one);
        let other = other();
        let given = started.ok().and_then(|thread| ended(thread.join()));
        let given = given.or_else(one);
        (given.expect("one of the two has done it"), other)
    })
}

/// Something that is done beside, and waited for even where nobody wants to know what it gave.
pub(crate) struct Background<T> {
    thread: Option<JoinHandle<Option<T>>>,
    /// Until a thread takes it.
    work: Left<T>,
}

type Left<T> = Arc<Mutex<Option<Box<dyn FnOnce() -> T + Send>>>>;

impl<T: Send + 'static> Background<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let work: Left<T> = Arc::new(Mutex::new(Some(Box::new(work))));
        let left = work.clone();
        let thread = Builder::new().spawn(move || take(&left).map(|work| work()));
        Self {
            thread: thread.ok(),
            work,
        }
    }
}

impl<T> Background<T> {
    /// What it gives; it is done now if no thread was to be had for it.
    pub(crate) fn wait(mut self) -> T {
        let thread = self.thread.take();
        let given = thread.and_then(|thread| ended(thread.join()));
        let given = given.or_else(|| take(&self.work).map(|work| work()));
        given.expect("one of the two has done it")
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Has all processors work on `items`, each of which comes into the hands of one of them; answers what each has gathered
/// from `begin` on. `step` is told the number of its item.
pub(crate) fn fold<T: Sync, A: Send>(
    items: &[T],
    begin: impl Fn() -> A + Sync,
    step: impl Fn(&mut A, usize, &T) + Sync,
) -> Vec<A> {
    let next = AtomicUsize::new(0);
    at_once(processors().min(items.len()), || {
        let mut gathered = begin();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return gathered;
            };
            step(&mut gathered, number, item);
        }
    })
}

/// What `work` makes of each of the items, in their order, by all processors.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let step = |made: &mut Vec<(usize, R)>, number: usize, item: &T| {
        made.push((number, work(item)));
    };
    let mut made: Vec<(usize, R)> = fold(items, Vec::new, step).into_iter().flatten().collect();
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

/// How many threads get something done at once.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn take<T>(left: &Mutex<Option<T>>) -> Option<T> {
    left.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// What a thread gave; its panic is ours.
fn ended<T>(joined: thread::Result<T>) -> T {
    joined.unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_item_is_worked_on_once_and_the_order_is_kept(
            items in prop::collection::vec(any::<u32>(), 0..300)
        ) {
            let made = map(&items, |item| u64::from(*item) + 1);
            let wanted: Vec<u64> = items.iter().map(|item| u64::from(*item) + 1).collect();
            prop_assert_eq!(made, wanted);
        }
    }

    #[test]
    fn two_things_are_done_at_once() {
        let (to, from) = std::sync::mpsc::channel();
        let own = || from.recv_timeout(std::time::Duration::from_secs(60));
        let (one, other) = both(|| to.send(7).is_ok(), own);
        assert!(one);
        assert_eq!(other, Ok(7));
    }
}
