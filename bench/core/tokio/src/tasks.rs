// Tasks, yields, ping-pong.

use crate::run::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn child(number: usize) -> usize {
    number
}

/// In a block of its own, as a recursive or a dynamic child has to be. A child without one is part
/// of its parent, and costs nothing.
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

/// The first side of two that compute before they hand over: the median of the rounds, without the
/// computing time.
async fn timed_rounds(table: Arc<Table>, count: usize) -> Vec<f64> {
    let mut ns = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        table.round().await;
        ns.push(ns_each(start, 1));
    }
    require(table.number.load(Ordering::Relaxed) == 2 * count, "rounds apart");
    table.end();
    ns.sort_by(|a, b| a.total_cmp(b));
    vec![ns[(count - 1) / 2] - 2.0 * table.think.as_nanos() as f64]
}

/// Binds this thread to one of the CPUs that it was given.
fn bind_to(nth: usize) {
    // SAFETY: plain data, which the calls fill in and read.
    unsafe {
        let mut given: libc::cpu_set_t = std::mem::zeroed();
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        let size = std::mem::size_of::<libc::cpu_set_t>();
        require(libc::sched_getaffinity(0, size, &mut given) == 0, "sched_getaffinity");
        let cpus = 0..libc::CPU_SETSIZE as usize;
        let cpu = cpus.filter(|cpu| libc::CPU_ISSET(*cpu, &given)).nth(nth);
        libc::CPU_SET(cpu.unwrap(), &mut one);
        require(libc::sched_setaffinity(0, size, &one) == 0, "sched_setaffinity");
    }
}

/// A thread with a current-thread runtime each, bound to a CPU each.
fn rounds_apart(count: usize, think: Duration) -> Vec<f64> {
    let table = Table::with_think(think);
    let answering = table.clone().answer();
    let second = async {
        answering.await;
        vec![]
    };
    let other = std::thread::spawn(move || {
        bind_to(1);
        on_runtime(1, second)
    });
    bind_to(0);
    let figures = on_runtime(1, timed_rounds(table, count));
    other.join().unwrap();
    figures
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("await", |workers, count| on_runtime(workers, awaits(count))),
        ("spawn-join", |workers, count| on_runtime(workers, spawns(count))),
        ("spawn-join-all", |workers, count| on_runtime(workers, spawn_batches(count))),
        ("spawn-detached", |workers, count| on_runtime(workers, detached(count))),
        ("yield", |workers, count| on_runtime(workers, yields(count))),
        ("ping-pong", |workers, count| on_runtime(workers, rounds(count))),
        ("ping-pong-pinned", |_, count| rounds_apart(count, Duration::ZERO)),
        ("ping-pong-parked", |_, count| rounds_apart(count, THINK_TIME)),
    ]
}
