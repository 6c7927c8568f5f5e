// Datagrams.
package main

import (
	"encoding/binary"
	"net"
	"syscall"
)

const (
	datagramBytes = 64
	burst         = 32
	segments      = 48
	segmentBytes  = 1200
	joinedBytes   = 65536

	solUDP     = 17
	udpSegment = 103
	udpGro     = 104
)

// udpEnds returns a server that is bound, and a client that is connected to it.
func udpEnds() (server, client *net.UDPConn) {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require(err == nil, "listen")
	client, err = net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
	require(err == nil, "dial")
	return server, client
}

func putNumber(room []byte, number int) { binary.LittleEndian.PutUint64(room, uint64(number)) }
func numberIn(room []byte) int          { return int(binary.LittleEndian.Uint64(room)) }

func udpPingPong(count int) []float64 {
	server, client := udpEnds()
	ended := make(chan struct{})
	meter := startMeter()
	go func() {
		room := make([]byte, datagramBytes)
		for i := 0; i < count; i++ {
			size, from, err := server.ReadFromUDPAddrPort(room)
			require(err == nil && size == datagramBytes, "a question")
			putNumber(room, numberIn(room)+1)
			_, err = server.WriteToUDPAddrPort(room, from)
			require(err == nil, "answer")
		}
		close(ended)
	}()
	room := make([]byte, datagramBytes)
	for i := 0; i < count; i++ {
		putNumber(room, i)
		_, err := client.Write(room)
		require(err == nil, "ask")
		size, err := client.Read(room)
		require(err == nil && size == datagramBytes && numberIn(room) == i+1, "an answer")
	}
	<-ended
	return meter.each(count, 1)
}

func udpOneWay(count int) []float64 {
	server, client := udpEnds()
	room := make([]byte, datagramBytes)
	meter := startMeter()
	for first := 0; first < count; first += burst {
		for i := 0; i < burst; i++ {
			putNumber(room, first+i)
			_, err := client.Write(room)
			require(err == nil, "send")
		}
		for i := 0; i < burst; i++ {
			size, _, err := server.ReadFromUDPAddrPort(room)
			right := err == nil && size == datagramBytes && numberIn(room) == first+i
			require(right, "a datagram")
		}
	}
	return meter.each(count, 1)
}

func setUDPOption(of *net.UDPConn, option, value int) {
	handle, err := of.SyscallConn()
	require(err == nil, "SyscallConn")
	handle.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), solUDP, option, value) })
	require(err == nil, "an option for segments")
}

func udpSegments(count int) []float64 {
	server, client := udpEnds()
	setUDPOption(server, udpGro, 1)
	setUDPOption(client, udpSegment, segmentBytes)
	data := make([]byte, segments*segmentBytes)
	for i := 0; i < segments; i++ {
		putNumber(data[i*segmentBytes:], i)
	}
	room := make([]byte, joinedBytes)
	meter := startMeter()
	for sent := 0; sent < count; sent += segments {
		_, err := client.Write(data)
		require(err == nil, "send")
		for seen := 0; seen < segments; {
			size, _, err := server.ReadFromUDPAddrPort(room)
			require(err == nil && size%segmentBytes == 0, "segments")
			for at := 0; at < size; at += segmentBytes {
				require(numberIn(room[at:]) == seen, "a segment")
				seen++
			}
		}
	}
	return meter.each(count, 1)
}
