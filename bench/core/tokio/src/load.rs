// Timers, memory, fairness, wakes from outside.

use crate::run::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Sleep;

fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local timespec.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    require(done == 0, "clock_gettime");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

// Timers: futures without tasks, except the cell that fires them

/// Timers. This future has polled each of them once, so it is registered.
struct Armed(Vec<Pin<Box<Sleep>>>);

impl Future for Armed {
    type Output = Vec<Pin<Box<Sleep>>>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        for sleep in &mut self.0 {
            require(sleep.as_mut().poll(context).is_pending(), "armed");
        }
        Poll::Ready(std::mem::take(&mut self.0))
    }
}

fn sleeps(count: usize) -> Armed {
    Armed((0..count).map(|i| Box::pin(tokio::time::sleep(within_a_minute(i)))).collect())
}

async fn create_and_cancel(count: usize) -> Vec<f64> {
    let creating = Instant::now();
    let timers = sleeps(count).await;
    let created = ns_each(creating, count);
    let cancelling = Instant::now();
    drop(timers);
    vec![created, ns_each(cancelling, count)]
}

async fn beside_standing(count: usize) -> Vec<f64> {
    let timers = sleeps(STANDING).await;
    let start = Instant::now();
    for i in 0..count {
        tokio::time::timeout(within_a_minute(i), tokio::task::yield_now()).await.unwrap();
    }
    let ns = ns_each(start, count);
    drop(timers);
    vec![ns]
}

async fn fire(count: usize) -> Vec<f64> {
    let before = cpu_ns();
    let last = LastOne::new(count);
    let start = tokio::time::Instant::now();
    for i in 0..count {
        let last = last.clone();
        let after = Duration::from_nanos(scattered(i, count * 1_000) as u64); // 1M in a second
        let due = start + after;
        tokio::spawn(async move {
            tokio::time::sleep_until(due).await;
            last.done();
        });
    }
    last.wait().await;
    vec![(cpu_ns() - before) / count as f64]
}

// Memory

fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

static BEGUN: AtomicUsize = AtomicUsize::new(0);

/// Spawns `count` tasks of `make()`, and measures when all have begun.
async fn each_of<F>(count: usize, make: impl Fn() -> F) -> Vec<f64>
where
    F: Future<Output = ()> + Send + 'static,
{
    let before = resident_bytes();
    let start = Instant::now();
    for _ in 0..count {
        tokio::spawn(make());
    }
    while BEGUN.load(Ordering::Relaxed) != count {
        tokio::task::yield_now().await;
    }
    let ns = ns_each(start, count);
    vec![(resident_bytes() - before) / count as f64, ns]
}

async fn parked(count: usize) -> Vec<f64> {
    let gate = Arc::new(Semaphore::new(0));
    let last = LastOne::new(count);
    let figures = each_of(count, || {
        let (gate, last) = (gate.clone(), last.clone());
        async move {
            BEGUN.fetch_add(1, Ordering::Relaxed);
            gate.acquire().await.unwrap().forget();
            last.done();
        }
    });
    let figures = figures.await;
    gate.add_permits(count);
    last.wait().await;
    figures
}

async fn sleeping(count: usize) -> Vec<f64> {
    let figures = each_of(count, || async {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(LONG_TIME).await;
        require(false, "woken early");
    });
    figures.await
}

/// The sleepers are not awaited: the program ends with them.
fn sleeping_for_good(workers: usize, count: usize) -> Vec<f64> {
    let runtime = Box::leak(Box::new(runtime(workers)));
    runtime.block_on(async move { tokio::spawn(sleeping(count)).await.unwrap() })
}

// Fairness

async fn slow_round(duration: Duration) -> f64 {
    let table = Table::new();
    let other = tokio::spawn(table.clone().answer());
    let begin = Instant::now();
    let mut us = Vec::new();
    while begin.elapsed() < duration {
        let start = Instant::now();
        table.round().await;
        us.push(ns_each(start, 1) / 1000.0);
    }
    require(table.number.load(Ordering::Relaxed) == 2 * us.len(), "rounds");
    table.end();
    other.await.unwrap();
    us.sort_by(|a, b| a.total_cmp(b));
    us[(us.len() - 1) * 99 / 100]
}

async fn fairness(count: usize) -> Vec<f64> {
    let duration = Duration::from_millis(count as u64);
    let unloaded = slow_round(duration / 4).await;
    let over = Arc::new(AtomicBool::new(false));
    let slices = Arc::new(AtomicUsize::new(0));
    let busy = |slice: Option<Duration>| {
        let (over, slices) = (over.clone(), slices.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                if let Some(slice) = slice {
                    compute_for(slice);
                    slices.fetch_add(1, Ordering::Relaxed);
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let (spinning, computing) = (busy(None), busy(Some(SLICE)));
    let start = Instant::now();
    let loaded = slow_round(duration).await;
    let passed = start.elapsed();
    let computed = SLICE * slices.load(Ordering::Relaxed) as u32;
    over.store(true, Ordering::Relaxed);
    spinning.await.unwrap();
    computing.await.unwrap();
    vec![unloaded, loaded, 100.0 * computed.as_secs_f64() / passed.as_secs_f64()]
}

// Wakes from outside

/// Moves this thread to another CPU than the process was given.
fn move_aside() {
    // SAFETY: plain data, which the calls fill in and read.
    unsafe {
        let mut given: libc::cpu_set_t = std::mem::zeroed();
        let size = std::mem::size_of::<libc::cpu_set_t>();
        libc::sched_getaffinity(0, size, &mut given);
        let mut other: libc::cpu_set_t = std::mem::zeroed();
        for cpu in 0..libc::sysconf(libc::_SC_NPROCESSORS_CONF) as usize {
            if !libc::CPU_ISSET(cpu, &given) {
                libc::CPU_SET(cpu, &mut other);
            }
        }
        libc::sched_setaffinity(0, size, &other);  // fails where there is one CPU
    }
}

fn wake(workers: usize, count: usize) -> Vec<f64> {
    let runtime = runtime(workers);
    let bell = Arc::new(Notify::new());
    let seen = Arc::new(AtomicUsize::new(0));
    let rung_at = Arc::new(Mutex::new(Instant::now()));
    let (heard, counted, at) = (bell.clone(), seen.clone(), rung_at.clone());
    let listening = async move {
        let mut us = Vec::with_capacity(count);
        for _ in 0..count {
            heard.notified().await;
            us.push(ns_each(*at.lock().unwrap(), 1) / 1000.0);
            counted.fetch_add(1, Ordering::Release);
        }
        us
    };
    let worker = std::thread::spawn(move || {
        runtime.block_on(async { tokio::spawn(listening).await.unwrap() })
    });
    move_aside();
    for i in 0..count {
        compute_for(THINK_TIME);
        *rung_at.lock().unwrap() = Instant::now();
        bell.notify_one();
        while seen.load(Ordering::Acquire) == i {
            std::hint::spin_loop();
        }
    }
    let mut us = worker.join().unwrap();
    us.sort_by(|a, b| a.total_cmp(b));
    vec![us[(count - 1) / 2]]
}

fn posted(workers: usize, count: usize) -> Vec<f64> {
    let runtime = runtime(workers);
    let last = LastOne::new(count);
    let start = Instant::now();
    for _ in 0..count {
        let last = last.clone();
        runtime.spawn(async move { last.done() });
    }
    runtime.block_on(last.wait());
    vec![ns_each(start, count)]
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("timer-cancel", |workers, count| on_runtime(workers, create_and_cancel(count))),
        ("timer-standing", |workers, count| on_runtime(workers, beside_standing(count))),
        ("timer-fire", |workers, count| on_runtime(workers, fire(count))),
        ("memory-parked", |workers, count| on_runtime(workers, parked(count))),
        ("memory-sleeping", sleeping_for_good),
        ("fairness", |workers, count| on_runtime(workers, fairness(count))),
        ("wake", wake),
        ("posted", posted),
    ]
}
