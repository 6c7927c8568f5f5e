// The system benchmarks' Go: goroutines with GOMAXPROCS workers. CELL WORKERS COUNT on the command
// line, the cell's figures on one line.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type cell func(count int) []float64

func require(right bool, what string) {
	if !right {
		fmt.Fprintln(os.Stderr, "wrong:", what)
		os.Exit(1)
	}
}

// meter measures an operation's time, and this process's CPU time for it (not its children's).
type meter struct {
	start time.Time
	cpu   int64
}

func cpuNow() int64 {
	var used syscall.Rusage
	require(syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil, "getrusage")
	return used.Utime.Nano() + used.Stime.Nano()
}

func startMeter() meter { return meter{cpu: cpuNow(), start: time.Now()} }

// each returns both, in units of so many nanoseconds.
func (m meter) each(operations int, unit float64) []float64 {
	passed := float64(time.Since(m.start).Nanoseconds())
	count := float64(operations) * unit
	return []float64{passed / count, float64(cpuNow()-m.cpu) / count}
}

// beside runs so many of f at the same time, and waits for all.
func beside(atOnce int, f func()) {
	var all sync.WaitGroup
	all.Add(atOnce)
	for i := 0; i < atOnce; i++ {
		go func() {
			defer all.Done()
			f()
		}()
	}
	all.Wait()
}

func main() {
	cells := map[string]cell{
		"read-cached": readsWith(0), "read-direct": readsWith(directFlag),
		"copy": copyFile, "copy-call": copyByCall,
		"udp-ping-pong": udpPingPong, "udp-one-way": udpOneWay, "udp-segments": udpSegments,
		"process": childrenOf(1), "process-8": childrenOf(8),
		"dns": lookUpsOf(1), "dns-32": lookUpsOf(32),
	}
	if len(os.Args) != 4 || cells[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: system_go CELL WORKERS COUNT")
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
