package main

// Fork-join by a goroutine for every fork and a WaitGroup; the programs of bench/core/forkjoin.hpp.

import (
	"sync"
	"time"
)

// each calls f(0) … f(n-1), all but the first in goroutines, and returns when all have ended.
func each(n int, f func(i int)) {
	var all sync.WaitGroup
	all.Add(n - 1)
	for i := 1; i < n; i++ {
		i := i
		go func() {
			f(i)
			all.Done()
		}()
	}
	f(0)
	all.Wait()
}

func ms(start time.Time) []float64 {
	return []float64{float64(time.Since(start).Nanoseconds()) / 1e6}
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	var parts [2]int
	each(2, func(i int) { parts[i] = fib(n - 1 - i) })
	return parts[0] + parts[1]
}

func fibCell(n int) []float64 {
	start := time.Now()
	result := fib(n)
	took := ms(start)
	a, b := 0, 1
	for i := 0; i < n; i++ {
		a, b = b, a+b
	}
	require(result == a, "fib")
	return took
}

func skynet(number, leaves int) int {
	if leaves == 1 {
		return number
	}
	var sums [10]int
	each(10, func(i int) { sums[i] = skynet(number+i*(leaves/10), leaves/10) })
	sum := 0
	for _, part := range sums {
		sum += part
	}
	return sum
}

func skynetCell(depth int) []float64 {
	leaves := 1
	for i := 0; i < depth; i++ {
		leaves *= 10
	}
	start := time.Now()
	sum := skynet(0, leaves)
	took := ms(start)
	require(sum == leaves*(leaves-1)/2, "skynet")
	return took
}

type board struct {
	columnOf [16]int8
	rows     int
}

func (b *board) free(column int) bool {
	for row := 0; row < b.rows; row++ {
		apart := int(b.columnOf[row]) - column
		distance := b.rows - row
		if apart == 0 || apart == distance || apart == -distance {
			return false
		}
	}
	return true
}

func nqueens(b *board, n int) int {
	if b.rows == n {
		return 1
	}
	var solutions [16]int
	each(n, func(column int) {
		if !b.free(column) {
			return
		}
		next := *b
		next.columnOf[next.rows] = int8(column)
		next.rows++
		solutions[column] = nqueens(&next, n)
	})
	sum := 0
	for _, part := range solutions {
		sum += part
	}
	return sum
}

func nqueensCell(n int) []float64 {
	solutions := []int{1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712}
	start := time.Now()
	found := nqueens(&board{}, n)
	took := ms(start)
	require(n < len(solutions) && found == solutions[n], "nqueens")
	return took
}

func multiply(a, b, c []float32, n, row, column, size int) {
	if size > 64 {
		half := size / 2
		each(4, func(i int) { multiply(a, b, c, n, row+i/2*half, column+i%2*half, half) })
		return
	}
	for i := row; i < row+size; i++ {
		into := c[i*n+column : i*n+column+size]
		for k := 0; k < n; k++ {
			factor := a[i*n+k]
			for j, value := range b[k*n+column : k*n+column+size] {
				into[j] += factor * value
			}
		}
	}
}

func matmulCell(n int) []float64 {
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%7), float32(i%5)
	}
	start := time.Now()
	multiply(a, b, c, n, 0, 0, n)
	took := ms(start)
	expected := float32(0)
	for k := 0; k < n; k++ {
		expected += a[(n-1)*n+k] * b[k*n+1]
	}
	require(c[(n-1)*n+1] == expected, "matmul")
	return took
}
