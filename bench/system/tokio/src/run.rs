// Shared by the cells: runtimes and measuring.

use std::future::Future;
use std::time::Instant;
use tokio::runtime::Builder;

/// (workers, count) to figures.
pub type Cell = fn(usize, usize) -> Vec<f64>;

/// Runs the cell as a task: the future given to block_on() itself runs beside the workers.
pub fn on_runtime<F>(workers: usize, cell: F) -> Vec<f64>
where
    F: Future<Output = Vec<f64>> + Send + 'static,
{
    let mut builder = match workers {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if workers > 1 {
        builder.worker_threads(workers);
    }
    let runtime = builder.enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(cell).await.unwrap() })
}

/// Runs so many of these at the same time, and waits for all.
pub async fn beside<F>(at_once: usize, make: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..at_once).map(|_| tokio::spawn(make())).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

pub fn require(right: bool, what: &str) {
    if !right {
        eprintln!("wrong: {}", what);
        std::process::exit(1);
    }
}

/// Measures an operation's time, and this process's CPU time for it (not its children's).
pub struct Meter {
    cpu: f64,
    start: Instant,
}

fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time may be written to.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    require(read == 0, "clock_gettime");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

impl Meter {
    pub fn new() -> Meter {
        Meter { cpu: cpu_ns(), start: Instant::now() }
    }
    /// Both, in units of so many nanoseconds.
    pub fn each(&self, operations: usize, unit_ns: f64) -> Vec<f64> {
        let count = operations as f64 * unit_ns;
        vec![self.start.elapsed().as_nanos() as f64 / count, (cpu_ns() - self.cpu) / count]
    }
}

/// The numbers 0 … range - 1 in an order that looks random: see bench/measure.hpp.
pub fn scattered(i: usize, range: usize) -> usize {
    ((i as u64 * 2654435769 % (1 << 32)) * range as u64 >> 32) as usize
}

/// The number at the beginning of a block or a datagram.
pub fn number_in(data: &[u8]) -> u64 {
    u64::from_le_bytes(data[..8].try_into().unwrap())
}
pub fn put_number(data: &mut [u8], number: u64) {
    data[..8].copy_from_slice(&number.to_le_bytes());
}
