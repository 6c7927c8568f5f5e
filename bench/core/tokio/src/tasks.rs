// Tasks, yields, ping-pong.

use crate::run::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

async fn child(number: usize) -> usize {
    number
}

/// In a block of its own, as a recursive or a dynamic child has to be. One that is not is part of
/// its parent, and costs nothing.
#[inline(never)]
fn boxed_child(number: usize) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(child(number))
}

async fn awaits(count: usize) -> Vec<f64> {
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..count {
        sum += boxed_child(i).await;
    }
    let ns = ns_each(start, count);
    require(sum == count * (count - 1) / 2, "await");
    vec![ns]
}

async fn spawns(count: usize) -> Vec<f64> {
    let mut sum = 0;
    let start = Instant::now();
    for i in 0..count {
        sum += tokio::spawn(child(i)).await.unwrap();
    }
    let ns = ns_each(start, count);
    require(sum == count * (count - 1) / 2, "spawn-join");
    vec![ns]
}

async fn spawn_and_join_batch() -> usize {
    let mut handles = Vec::with_capacity(BATCH);
    for i in 0..BATCH {
        handles.push(tokio::spawn(child(i)));
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.unwrap();
    }
    sum
}

async fn spawn_batches(count: usize) -> Vec<f64> {
    let mut sum = spawn_and_join_batch().await;
    let start = Instant::now();
    for _ in 0..count {
        sum += spawn_and_join_batch().await;
    }
    let ns = ns_each(start, count * BATCH);
    require(sum == (count + 1) * (BATCH * (BATCH - 1) / 2), "join all");
    vec![ns]
}

async fn detached(count: usize) -> Vec<f64> {
    let last = LastOne::new(count);
    let start = Instant::now();
    for _ in 0..count {
        let last = last.clone();
        tokio::spawn(async move { last.done() });
    }
    last.wait().await;
    vec![ns_each(start, count)]
}

async fn yields(count: usize) -> Vec<f64> {
    let each = count / YIELDING_TASKS;
    let yielded = Arc::new(AtomicUsize::new(0));
    let mut handles = Vec::new();
    let start = Instant::now();
    for _ in 0..YIELDING_TASKS {
        let yielded = yielded.clone();
        handles.push(tokio::spawn(async move {
            for _ in 0..each {
                tokio::task::yield_now().await;
            }
            yielded.fetch_add(each, Ordering::Relaxed);
        }));
    }
    for handle in handles {
        handle.await.unwrap();
    }
    let ns = ns_each(start, each * YIELDING_TASKS);
    require(yielded.load(Ordering::Relaxed) == each * YIELDING_TASKS, "yields");
    vec![ns]
}

async fn rounds(count: usize) -> Vec<f64> {
    let table = Table::new();
    let other = tokio::spawn(table.clone().answer());
    let start = Instant::now();
    for _ in 0..count {
        table.round().await;
    }
    let ns = ns_each(start, count);
    require(table.number.load(Ordering::Relaxed) == 2 * count, "rounds");
    table.end();
    other.await.unwrap();
    vec![ns]
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("await", |workers, count| on_runtime(workers, awaits(count))),
        ("spawn-join", |workers, count| on_runtime(workers, spawns(count))),
        ("spawn-join-all", |workers, count| on_runtime(workers, spawn_batches(count))),
        ("spawn-detached", |workers, count| on_runtime(workers, detached(count))),
        ("yield", |workers, count| on_runtime(workers, yields(count))),
        ("ping-pong", |workers, count| on_runtime(workers, rounds(count))),
    ]
}
