// Child processes.

use crate::run::{beside, on_runtime, require, Cell, Meter};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::process::Command;

async fn run_children(next: Arc<AtomicUsize>, count: usize) {
    while next.fetch_add(1, Ordering::Relaxed) < count {
        let status = Command::new("/bin/true").status().await.unwrap();
        require(status.success(), "the child");
    }
}

fn spawn_and_wait(workers: usize, count: usize, at_once: usize) -> Vec<f64> {
    let next = Arc::new(AtomicUsize::new(0));
    on_runtime(workers, async move {
        let meter = Meter::new();
        beside(at_once, || run_children(next.clone(), count)).await;
        meter.each(count, 1e3)[..1].to_vec()
    })
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("process", |workers, count| spawn_and_wait(workers, count, 1)),
        ("process-8", |workers, count| spawn_and_wait(workers, count, 8)),
    ]
}
