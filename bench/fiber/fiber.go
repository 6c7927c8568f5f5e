// bench/run fiber: goroutines on one processor (GOMAXPROCS=1). CELL COUNT on the command line.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

func require(right bool, what string) {
	if !right {
		fmt.Fprintln(os.Stderr, "wrong:", what)
		os.Exit(1)
	}
}

func nsEach(start time.Time, operations int) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(operations)
}

func yields(howMany int) func(int) float64 {
	return func(count int) float64 {
		each := count / howMany
		yielded := 0
		var done sync.WaitGroup
		for i := 0; i < howMany; i++ {
			done.Add(1)
			go func() {
				runtime.Gosched()
				for k := 0; k < each; k++ {
					yielded++
					runtime.Gosched()
				}
				done.Done()
			}()
		}
		runtime.Gosched()
		start := time.Now()
		done.Wait()
		ns := nsEach(start, each*howMany)
		require(yielded == each*howMany, "yields")
		return ns
	}
}

func spawns(count int) float64 {
	ran := 0
	done := make(chan struct{})
	start := time.Now()
	for i := 0; i < count; i++ {
		go func() {
			ran++
			done <- struct{}{}
		}()
		<-done
	}
	ns := nsEach(start, count)
	require(ran == count, "spawns")
	return ns
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	require(err == nil, "statm")
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require(err == nil, "statm")
	return float64(pages) * 4096
}

func memory(count int) float64 {
	started := 0
	over := make(chan struct{})
	var done sync.WaitGroup
	before := residentBytes()
	for i := 0; i < count; i++ {
		done.Add(1)
		go func() {
			started++
			<-over
			done.Done()
		}()
	}
	for started != count {
		runtime.Gosched()
	}
	bytes := (residentBytes() - before) / float64(count)
	close(over)
	done.Wait()
	return bytes
}

func main() {
	cells := map[string]func(int) float64{
		"yield-2": yields(2), "yield-1000": yields(1000), "spawn-join": spawns, "memory": memory,
	}
	if len(os.Args) != 3 || cells[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: fiber_go CELL COUNT")
		os.Exit(2)
	}
	count, err := strconv.Atoi(os.Args[2])
	require(err == nil, "COUNT")
	fmt.Printf("%.4f\n", cells[os.Args[1]](count))
}
