// Files, which block threads that the runtime adds as needed.
package main

import (
	"encoding/binary"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	dataPath   = "system.data"
	copyPath   = "system.copy"
	blockBytes = 4096
	readDepth  = 32
	copyBytes  = 256 << 10
	directFlag = syscall.O_DIRECT
)

// scattered: see bench/measure.hpp.
func scattered(i, blocks int) int {
	return int(uint64(i) * 2654435769 % (1 << 32) * uint64(blocks) >> 32)
}

// alignedBlock is a block as direct I/O wants it.
func alignedBlock() []byte {
	room := make([]byte, 2*blockBytes)
	at := int(uintptr(unsafe.Pointer(&room[0])) % blockBytes)
	return room[blockBytes-at:][:blockBytes]
}

func readsWith(flags int) cell {
	return func(count int) []float64 {
		file, err := os.OpenFile(dataPath, os.O_RDONLY|flags, 0)
		require(err == nil, "open")
		about, err := file.Stat()
		require(err == nil, "stat")
		blocks := int(about.Size() / blockBytes)
		next := int64(-1)
		meter := startMeter()
		beside(readDepth, func() {
			block := alignedBlock()
			for n := atomic.AddInt64(&next, 1); n < int64(count); n = atomic.AddInt64(&next, 1) {
				at := scattered(int(n), blocks)
				size, err := file.ReadAt(block, int64(at)*blockBytes)
				right := err == nil && size == blockBytes
				require(right && binary.LittleEndian.Uint64(block) == uint64(at), "read")
			}
		})
		return meter.each(count, 1)
	}
}

func copyEnds() (*os.File, *os.File) {
	from, err := os.Open(dataPath)
	require(err == nil, "open")
	to, err := os.Create(copyPath)
	require(err == nil, "create")
	return from, to
}

func copyFile(count int) []float64 {
	meter := startMeter()
	from, to := copyEnds()
	room := make([]byte, copyBytes)
	for left := count << 20; left > 0; left -= copyBytes {
		_, err := io.ReadFull(from, room)
		require(err == nil, "read")
		_, err = to.Write(room)
		require(err == nil, "write")
	}
	require(to.Close() == nil, "close")
	return meter.each(1, 1e6)
}

// copyByCall: io.Copy of two files is copy_file_range(2).
func copyByCall(count int) []float64 {
	meter := startMeter()
	from, to := copyEnds()
	size, err := io.Copy(to, from)
	require(err == nil && size == int64(count)<<20, "copy")
	require(to.Close() == nil, "close")
	return meter.each(1, 1e6)
}
