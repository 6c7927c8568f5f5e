// Channels (its mpsc: one consumer), mutex, semaphore.

use crate::run::*;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, Mutex, Semaphore};

async fn channel(senders: usize, count: usize) -> Vec<f64> {
    let each = count / senders;
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    let mut sending = Vec::new();
    let start = Instant::now();
    for _ in 0..senders {
        let sender = sender.clone();
        sending.push(tokio::spawn(async move {
            for i in 0..each {
                sender.send(i).await.unwrap();
            }
        }));
    }
    drop(sender);
    let receiving = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(value) = receiver.recv().await {
            sum += value;
        }
        sum
    });
    let sum: usize = receiving.await.unwrap();
    let ns = ns_each(start, each * senders);
    for sender in sending {
        sender.await.unwrap();
    }
    require(sum == senders * (each * (each - 1) / 2), "channel");
    vec![ns]
}

async fn mutex_of(tasks: usize, count: usize) -> Vec<f64> {
    let each = count / tasks;
    let mutex = Arc::new(Mutex::new(0));
    let mut handles = Vec::new();
    let start = Instant::now();
    for _ in 0..tasks {
        let mutex = mutex.clone();
        handles.push(tokio::spawn(async move {
            for _ in 0..each {
                *mutex.lock().await += 1;
            }
        }));
    }
    for handle in handles {
        handle.await.unwrap();
    }
    let ns = ns_each(start, each * tasks);
    require(*mutex.lock().await == each * tasks, "mutex");
    vec![ns]
}

async fn semaphore(count: usize) -> Vec<f64> {
    let each = count / CONTENDERS;
    let semaphore = Arc::new(Semaphore::new(PERMITS));
    let mut handles = Vec::new();
    let start = Instant::now();
    for _ in 0..CONTENDERS {
        let semaphore = semaphore.clone();
        handles.push(tokio::spawn(async move {
            for _ in 0..each {
                drop(semaphore.acquire().await.unwrap());
            }
        }));
    }
    for handle in handles {
        handle.await.unwrap();
    }
    let ns = ns_each(start, each * CONTENDERS);
    require(semaphore.available_permits() == PERMITS, "semaphore");
    vec![ns]
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("channel-1p1c", |workers, count| on_runtime(workers, channel(1, count))),
        ("channel-4p1c", |workers, count| on_runtime(workers, channel(4, count))),
        ("mutex-alone", |workers, count| on_runtime(workers, mutex_of(1, count))),
        ("mutex-contended", |workers, count| on_runtime(workers, mutex_of(CONTENDERS, count))),
        ("semaphore", |workers, count| on_runtime(workers, semaphore(count))),
    ]
}
