// Shared by the cells: runtimes and measuring.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// (workers, count) to figures.
pub type Cell = fn(usize, usize) -> Vec<f64>;

pub const YIELDING_TASKS: usize = 1_000;
pub const BATCH: usize = 100_000;
pub const STANDING: usize = 100_000;
pub const CAPACITY: usize = 128;
pub const CONTENDERS: usize = 8;
pub const PERMITS: usize = 4;
pub const SLICE: Duration = Duration::from_millis(1);
/// Before each hand-over of ping-pong-parked, and each wake: see ../../core.hpp.
pub const THINK_TIME: Duration = Duration::from_micros(50);
pub const LONG_TIME: Duration = Duration::from_secs(3600);

pub fn runtime(workers: usize) -> Runtime {
    let mut builder = match workers {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if workers > 1 {
        builder.worker_threads(workers);
    }
    builder.enable_time().build().unwrap()
}

/// Runs the cell as a task: the future given to block_on() itself runs beside the workers.
pub fn on_runtime<F>(workers: usize, cell: F) -> Vec<f64>
where
    F: Future<Output = Vec<f64>> + Send + 'static,
{
    runtime(workers).block_on(async { tokio::spawn(cell).await.unwrap() })
}

pub fn require(right: bool, what: &str) {
    if !right {
        eprintln!("wrong: {}", what);
        std::process::exit(1);
    }
}

pub fn ns_each(start: Instant, operations: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// The numbers 0 … range - 1 in an order that looks random: see bench/measure.hpp.
pub fn scattered(i: usize, range: usize) -> usize {
    ((i as u64 * 2654435769 % (1 << 32)) * range as u64 >> 32) as usize
}

pub fn within_a_minute(i: usize) -> Duration {
    Duration::from_millis(60_000 + scattered(i, 60_000) as u64)
}

pub fn compute_for(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {}
}

/// Reports when the last of a number of tasks has done its work.
#[derive(Clone)]
pub struct LastOne(Arc<(AtomicUsize, Notify)>);

impl LastOne {
    pub fn new(count: usize) -> Self {
        LastOne(Arc::new((AtomicUsize::new(count), Notify::new())))
    }
    pub fn done(&self) {
        if self.0 .0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0 .1.notify_one();
        }
    }
    pub async fn wait(&self) {
        self.0 .1.notified().await;
    }
}

/// Two tasks pass a number back and forth.
pub struct Table {
    pub to_first: Notify,
    pub to_second: Notify,
    pub number: AtomicUsize,
    /// The computing time of each side before it hands over.
    pub think: Duration,
}

impl Table {
    pub fn new() -> Arc<Self> {
        Self::with_think(Duration::ZERO)
    }
    pub fn with_think(think: Duration) -> Arc<Self> {
        Arc::new(Table {
            to_first: Notify::new(),
            to_second: Notify::new(),
            number: AtomicUsize::new(0),
            think,
        })
    }
    fn add_one(&self) -> usize {
        if self.think > Duration::ZERO {
            compute_for(self.think);
        }
        // Only the side that was notified writes.
        let number = self.number.load(Ordering::Relaxed) + 1;
        self.number.store(number, Ordering::Relaxed);
        number
    }
    pub async fn round(&self) {
        self.add_one();
        self.to_second.notify_one();
        self.to_first.notified().await;
    }
    /// Answers until the number is made usize::MAX - 1.
    pub async fn answer(self: Arc<Self>) {
        loop {
            self.to_second.notified().await;
            if self.add_one() == usize::MAX {
                break;
            }
            self.to_first.notify_one();
        }
    }
    /// No more rounds.
    pub fn end(&self) {
        self.number.store(usize::MAX - 1, Ordering::Relaxed);
        self.to_second.notify_one();
    }
}
