// Files, by blocking calls on Tokio's pool of threads.

use crate::run::{beside, number_in, on_runtime, require, scattered, Cell, Meter};
use std::alloc::{alloc, Layout};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DATA: &str = "system.data";
const COPY: &str = "system.copy";
const BLOCK_BYTES: usize = 4096;
const READ_DEPTH: usize = 32;
const COPY_BYTES: usize = 256 << 10;

/// A block as direct I/O wants it; never freed.
fn aligned_block() -> &'static mut [u8] {
    let layout = Layout::from_size_align(BLOCK_BYTES, BLOCK_BYTES).unwrap();
    // SAFETY: the memory has this size, and is used nowhere else.
    unsafe {
        let data = alloc(layout);
        data.write_bytes(0, BLOCK_BYTES);
        std::slice::from_raw_parts_mut(data, BLOCK_BYTES)
    }
}

async fn read_blocks(file: Arc<File>, next: Arc<AtomicUsize>, blocks: usize, count: usize) {
    let mut block = aligned_block();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            break;
        }
        let at = scattered(n, blocks);
        let file = file.clone();
        block = tokio::task::spawn_blocking(move || {
            file.read_exact_at(block, (at * BLOCK_BYTES) as u64).unwrap();
            block
        })
        .await
        .unwrap();
        require(number_in(block) == at as u64, "read");
    }
}

/// Tokio's own File has one position and one operation at a time, so this is a plain file.
fn reads(workers: usize, count: usize, flags: i32) -> Vec<f64> {
    let file = OpenOptions::new().read(true).custom_flags(flags).open(DATA).unwrap();
    let blocks = file.metadata().unwrap().len() as usize / BLOCK_BYTES;
    let file: Arc<File> = Arc::new(file);
    let next = Arc::new(AtomicUsize::new(0));
    on_runtime(workers, async move {
        let meter = Meter::new();
        beside(READ_DEPTH, || read_blocks(file.clone(), next.clone(), blocks, count)).await;
        meter.each(count, 1.0)
    })
}

fn copy(workers: usize, count: usize) -> Vec<f64> {
    on_runtime(workers, async move {
        let meter = Meter::new();
        let mut from = tokio::fs::File::open(DATA).await.unwrap();
        let mut to = tokio::fs::File::create(COPY).await.unwrap();
        let mut room = vec![0; COPY_BYTES];
        let mut left = count << 20;
        while left > 0 {
            let size = from.read(&mut room).await.unwrap();
            require(size != 0, "copy");
            to.write_all(&room[..size]).await.unwrap();
            left -= size;
        }
        to.flush().await.unwrap();
        meter.each(1, 1e6)
    })
}

fn copy_by_call(workers: usize, count: usize) -> Vec<f64> {
    on_runtime(workers, async move {
        let meter = Meter::new();
        let size = tokio::fs::copy(DATA, COPY).await.unwrap();
        require(size == (count as u64) << 20, "copy");
        meter.each(1, 1e6)
    })
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("read-cached", |workers, count| reads(workers, count, 0)),
        ("read-direct", |workers, count| reads(workers, count, libc::O_DIRECT)),
        ("copy", copy),
        ("copy-call", copy_by_call),
    ]
}
