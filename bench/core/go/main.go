// The core benchmarks' Go: goroutines with GOMAXPROCS workers. CELL WORKERS COUNT on the command
// line, the cell's figures on one line. This file: tasks, yields, channels, locks.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	yieldingTasks = 1000
	batch         = 100_000
	standing      = 100_000
	capacity      = 128
	contenders    = 8
	permits       = 4
	slice         = time.Millisecond
	longTime      = time.Hour
	thinkTime     = 50 * time.Microsecond
)

type cell func(count int) []float64

func require(right bool, what string) {
	if !right {
		fmt.Fprintln(os.Stderr, "wrong:", what)
		os.Exit(1)
	}
}

func nsEach(start time.Time, operations int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(operations)
}

// spawns starts a goroutine and waits for it. Its result comes through a channel.
func spawns(count int) []float64 {
	sum := 0
	done := make(chan int)
	start := time.Now()
	for i := 0; i < count; i++ {
		i := i
		go func() { done <- i }()
		sum += <-done
	}
	ns := nsEach(start, count)
	require(sum == count*(count-1)/2, "spawn-join")
	return []float64{ns}
}

func spawnAndJoinBatch() int64 {
	var sum int64
	var all sync.WaitGroup
	all.Add(batch)
	for i := 0; i < batch; i++ {
		i := i
		go func() {
			atomic.AddInt64(&sum, int64(i))
			all.Done()
		}()
	}
	all.Wait()
	return sum
}

func spawnBatches(count int) []float64 {
	sum := spawnAndJoinBatch()
	start := time.Now()
	for i := 0; i < count; i++ {
		sum += spawnAndJoinBatch()
	}
	ns := nsEach(start, count*batch)
	require(sum == int64(count+1)*(batch*(batch-1)/2), "join all")
	return []float64{ns}
}

func detached(count int) []float64 {
	left := int64(count)
	over := make(chan struct{})
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			if atomic.AddInt64(&left, -1) == 0 {
				close(over)
			}
		}()
	}
	<-over
	return []float64{nsEach(start, count)}
}

func yields(count int) []float64 {
	each := count / yieldingTasks
	var yielded int64
	var all sync.WaitGroup
	all.Add(yieldingTasks)
	start := time.Now()
	for i := 0; i < yieldingTasks; i++ {
		go func() {
			for k := 0; k < each; k++ {
				runtime.Gosched()
			}
			atomic.AddInt64(&yielded, int64(each))
			all.Done()
		}()
	}
	all.Wait()
	ns := nsEach(start, each*yieldingTasks)
	require(yielded == int64(each*yieldingTasks), "yields")
	return []float64{ns}
}

// answer goes on until the channel is closed.
func answer(toFirst, toSecond chan int) {
	for number := range toSecond {
		toFirst <- number + 1
	}
}

func rounds(count int) []float64 {
	toFirst, toSecond := make(chan int), make(chan int)
	go answer(toFirst, toSecond)
	number := 0
	start := time.Now()
	for i := 0; i < count; i++ {
		toSecond <- number + 1
		number = <-toFirst
	}
	ns := nsEach(start, count)
	close(toSecond)
	require(number == 2*count, "rounds")
	return []float64{ns}
}

// bindTo keeps this goroutine on a thread of its own, and binds that to one of its CPUs.
func bindTo(nth int) {
	runtime.LockOSThread()
	var given, one [16]uint64
	size, at := unsafe.Sizeof(given), uintptr(unsafe.Pointer(&given))
	_, _, failed := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, size, at)
	require(failed == 0, "sched_getaffinity")
	for cpu := 0; cpu < 64*len(given); cpu++ {
		if given[cpu/64]>>(cpu%64)&1 == 1 {
			if nth == 0 {
				one[cpu/64] = 1 << (cpu % 64)
			}
			nth--
		}
	}
	at = uintptr(unsafe.Pointer(&one))
	_, _, failed = syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, size, at)
	require(failed == 0, "sched_setaffinity")
}

// roundsApart has the two on a CPU each. Each computes for `think` before it hands over. Returns
// the median of the rounds, without the computing time.
func roundsApart(think time.Duration) cell {
	return func(count int) []float64 {
		toFirst, toSecond := make(chan int), make(chan int)
		ended := make(chan struct{})
		ns := []float64{}
		go func() {
			bindTo(1)
			for number := range toSecond {
				computeFor(think)
				toFirst <- number + 1
			}
			ended <- struct{}{}
		}()
		go func() {
			bindTo(0)
			number := 0
			for i := 0; i < count; i++ {
				start := time.Now()
				computeFor(think)
				toSecond <- number + 1
				number = <-toFirst
				ns = append(ns, nsEach(start, 1))
			}
			close(toSecond)
			require(number == 2*count, "rounds apart")
			ended <- struct{}{}
		}()
		<-ended
		<-ended
		sort.Float64s(ns)
		return []float64{ns[(count-1)/2] - 2*float64(think.Nanoseconds())}
	}
}

func channelOf(senders, receivers int) cell {
	return func(count int) []float64 {
		each := count / senders
		taken := each * senders / receivers
		numbers := make(chan int, capacity)
		sums := make(chan int, receivers)
		start := time.Now()
		for i := 0; i < senders; i++ {
			go func() {
				for k := 0; k < each; k++ {
					numbers <- k
				}
			}()
		}
		for i := 0; i < receivers; i++ {
			go func() {
				sum := 0
				for k := 0; k < taken; k++ {
					sum += <-numbers
				}
				sums <- sum
			}()
		}
		sum := 0
		for i := 0; i < receivers; i++ {
			sum += <-sums
		}
		ns := nsEach(start, each*senders)
		require(sum == senders*(each*(each-1)/2), "channel")
		return []float64{ns}
	}
}

func mutexOf(tasks int) cell {
	return func(count int) []float64 {
		var mutex sync.Mutex
		counter := 0
		each := count / tasks
		var all sync.WaitGroup
		all.Add(tasks)
		start := time.Now()
		for i := 0; i < tasks; i++ {
			go func() {
				for k := 0; k < each; k++ {
					mutex.Lock()
					counter++
					mutex.Unlock()
				}
				all.Done()
			}()
		}
		all.Wait()
		ns := nsEach(start, each*tasks)
		require(counter == each*tasks, "mutex")
		return []float64{ns}
	}
}

// semaphore is a channel with as many places as there are permits: the language's idiom.
func semaphore(count int) []float64 {
	taken := make(chan struct{}, permits)
	each := count / contenders
	had := int64(0)
	var all sync.WaitGroup
	all.Add(contenders)
	start := time.Now()
	for i := 0; i < contenders; i++ {
		go func() {
			for k := 0; k < each; k++ {
				taken <- struct{}{}
				<-taken
			}
			atomic.AddInt64(&had, int64(each))
			all.Done()
		}()
	}
	all.Wait()
	ns := nsEach(start, each*contenders)
	require(had == int64(each*contenders) && len(taken) == 0, "semaphore")
	return []float64{ns}
}

func main() {
	cells := map[string]cell{
		"spawn-join": spawns, "spawn-join-all": spawnBatches, "spawn-detached": detached,
		"yield": yields, "ping-pong": rounds,
		"ping-pong-pinned": roundsApart(0), "ping-pong-parked": roundsApart(thinkTime),
		"channel-1p1c": channelOf(1, 1), "channel-4p1c": channelOf(4, 1),
		"channel-4p4c": channelOf(4, 4),
		"mutex-alone": mutexOf(1), "mutex-contended": mutexOf(contenders), "semaphore": semaphore,
		"timer-cancel": createAndCancel, "timer-standing": besideStanding, "timer-fire": fire,
		"memory-parked": memoryParked, "memory-sleeping": memorySleeping, "fairness": fairness,
		"fib": fibCell, "skynet": skynetCell, "nqueens": nqueensCell, "matmul": matmulCell,
	}
	if len(os.Args) != 4 || cells[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: core_go CELL WORKERS COUNT")
		os.Exit(2)
	}
	workers, err := strconv.Atoi(os.Args[2])
	require(err == nil, "WORKERS")
	count, err := strconv.Atoi(os.Args[3])
	require(err == nil, "COUNT")
	runtime.GOMAXPROCS(workers)
	figures := []string{}
	for _, figure := range cells[os.Args[1]](count) {
		figures = append(figures, fmt.Sprintf("%.4f", figure))
	}
	fmt.Println(strings.Join(figures, " "))
}
