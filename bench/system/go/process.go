// Child processes, and names by Go's own resolver.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
)

func childrenOf(atOnce int) cell {
	return func(count int) []float64 {
		next := int64(-1)
		meter := startMeter()
		beside(atOnce, func() {
			for atomic.AddInt64(&next, 1) < int64(count) {
				child := exec.Command("/bin/true")
				child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
				require(child.Run() == nil, "the child")
			}
		})
		return meter.each(count, 1e3)[:1]
	}
}

func lookUpsOf(atOnce int) cell {
	return func(count int) []float64 {
		server := os.Getenv("BENCH_NAME_SERVER")
		require(server != "", "BENCH_NAME_SERVER")
		var dialer net.Dialer
		resolver := net.Resolver{
			PreferGo: true,
			Dial: func(waits context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(waits, network, server)
			},
		}
		next := int64(-1)
		meter := startMeter()
		beside(atOnce, func() {
			for n := atomic.AddInt64(&next, 1); n < int64(count); n = atomic.AddInt64(&next, 1) {
				name := fmt.Sprintf("n%d.bench.test.", n)
				found, err := resolver.LookupIPAddr(context.Background(), name)
				require(err == nil && len(found) == 2, "a name's addresses")
				at := 65536 + n
				want := net.IPv4(127, byte(at>>16), byte(at>>8), byte(at))
				require(found[0].IP.Equal(want) || found[1].IP.Equal(want), "its address")
			}
		})
		return meter.each(count, 1e3)
	}
}
