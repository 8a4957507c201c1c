package server

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// BenchmarkGet64Callers is gets over loopback TCP, 64 connections with one caller each.
func BenchmarkGet64Callers(b *testing.B) {
	const callers = 64
	cfg := single()
	cfg.Auth = mandatory
	s, err := Start(context.Background(), cfg)
	require.NoError(b, err)
	defer s.Close()
	key := storedKey(b, "k")
	require.Equal(b, protocol.CodeOK, dial(b, s.Addr()).authenticate().put(home, "k", "value"))
	frame := protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: 1}, RPC: protocol.RPCGet, Body: protocol.AppendKeyArgs(nil, key),
	})
	conns := make([]net.Conn, callers)
	for i := range conns {
		conns[i] = dial(b, s.Addr()).authenticate().conn
	}
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i, conn := range conns {
		n := b.N / callers
		if i < b.N%callers {
			n++
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			decoder, buf := protocol.NewResponseDecoder(protocol.Limits{}), make([]byte, 4096)
			for range n {
				if _, err := conn.Write(frame); err != nil {
					b.Error(err)
					return
				}
				if _, err := quietRead(conn, decoder, buf); err != nil {
					b.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkNegotiation is whole negotiations, connection included.
func BenchmarkNegotiation(b *testing.B) {
	cfg := single()
	cfg.Auth = mandatory
	s, err := Start(context.Background(), cfg)
	require.NoError(b, err)
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		conn, err := net.Dial("tcp4", s.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		if err := quietNegotiation(conn); err != nil {
			b.Fatal(err)
		}
		conn.Close()
	}
}
