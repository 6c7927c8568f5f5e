package main

// Timers, memory, fairness.

import (
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// scattered returns 0 … n-1 in an order that looks random: see bench/measure.hpp.
func scattered(i, n int) int {
	return int((uint64(i) * 2654435769 % (1 << 32)) * uint64(n) >> 32)
}

func withinAMinute(i int) time.Duration {
	return time.Duration(60_000+scattered(i, 60_000)) * time.Millisecond
}

func cpuNs() float64 {
	var usage syscall.Rusage
	require(syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil, "getrusage")
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func armed(count int) []*time.Timer {
	timers := make([]*time.Timer, count)
	for i := range timers {
		timers[i] = time.AfterFunc(withinAMinute(i), func() { require(false, "fired early") })
	}
	return timers
}

func createAndCancel(count int) []float64 {
	start := time.Now()
	timers := armed(count)
	created := nsEach(start, count)
	start = time.Now()
	for _, timer := range timers {
		require(timer.Stop(), "stop")
	}
	return []float64{created, nsEach(start, count)}
}

func besideStanding(count int) []float64 {
	timers := armed(standing)
	start := time.Now()
	for i := 0; i < count; i++ {
		require(time.NewTimer(withinAMinute(i)).Stop(), "stop")
	}
	ns := nsEach(start, count)
	runtime.KeepAlive(timers)
	return []float64{ns}
}

func fire(count int) []float64 {
	before := cpuNs()
	begin := time.Now()
	left := int64(count)
	over := make(chan struct{})
	for i := 0; i < count; i++ {
		due := time.Duration(scattered(i, count*1000)) // a million in a second
		go func() {
			time.Sleep(due - time.Since(begin))
			if atomic.AddInt64(&left, -1) == 0 {
				close(over)
			}
		}()
	}
	<-over
	return []float64{(cpuNs() - before) / float64(count)}
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	require(err == nil, "statm")
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require(err == nil, "statm")
	return float64(pages) * 4096
}

// eachOf starts goroutines of wait, and measures when all have begun.
func eachOf(count int, wait func()) []float64 {
	begun := int64(0)
	before := residentBytes()
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			atomic.AddInt64(&begun, 1)
			wait()
		}()
	}
	for atomic.LoadInt64(&begun) != int64(count) {
		runtime.Gosched()
	}
	ns := nsEach(start, count)
	return []float64{(residentBytes() - before) / float64(count), ns}
}

func memoryParked(count int) []float64 {
	gate := make(chan struct{})
	over := make(chan struct{})
	left := int64(count)
	figures := eachOf(count, func() {
		<-gate
		if atomic.AddInt64(&left, -1) == 0 {
			close(over)
		}
	})
	close(gate)
	<-over
	return figures
}

func memorySleeping(count int) []float64 {
	return eachOf(count, func() {
		time.Sleep(longTime)
		require(false, "woken early")
	})
}

func slowRound(duration time.Duration) float64 {
	toFirst, toSecond := make(chan int), make(chan int)
	go answer(toFirst, toSecond)
	us := []float64{}
	number := 0
	for begin := time.Now(); time.Since(begin) < duration; {
		start := time.Now()
		toSecond <- number + 1
		number = <-toFirst
		us = append(us, nsEach(start, 1)/1000)
	}
	close(toSecond)
	require(number == 2*len(us), "rounds")
	sort.Float64s(us)
	return us[(len(us)-1)*99/100]
}

func computeFor(duration time.Duration) {
	if duration == 0 {
		return
	}
	for start := time.Now(); time.Since(start) < duration; {
	}
}

func fairness(count int) []float64 {
	duration := time.Duration(count) * time.Millisecond
	unloaded := slowRound(duration / 4)
	var over, slices int32
	ended := make(chan struct{})
	start := time.Now()
	go func() {
		for atomic.LoadInt32(&over) == 0 {
			runtime.Gosched()
		}
		ended <- struct{}{}
	}()
	go func() {
		for atomic.LoadInt32(&over) == 0 {
			computeFor(slice)
			atomic.AddInt32(&slices, 1)
			runtime.Gosched()
		}
		ended <- struct{}{}
	}()
	loaded := slowRound(duration)
	computed := slice * time.Duration(atomic.LoadInt32(&slices))
	share := 100 * computed.Seconds() / time.Since(start).Seconds()
	atomic.StoreInt32(&over, 1)
	<-ended
	<-ended
	return []float64{unloaded, loaded, share}
}
