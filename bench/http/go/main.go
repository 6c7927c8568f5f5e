// The subject go of `bench/run http`: see weft.cpp, whose arguments and answers it has.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
)

func main() {
	if len(os.Args) != 5 && len(os.Args) != 8 {
		log.Fatal("usage: http_go --listen HOST:PORT --files DIR [--tls CERT KEY]")
	}
	runtime.GOMAXPROCS(1)
	answer := []byte("x")
	text := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(answer)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/0/x", func(w http.ResponseWriter, r *http.Request) { text(w) })
	mux.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		text(w)
	})
	mux.Handle("/file/", http.StripPrefix("/file/", http.FileServer(http.Dir(os.Args[4]))))
	listener, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	server := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	if len(os.Args) == 8 {
		server.TLSConfig = &tls.Config{
			SessionTicketsDisabled: true,
			NextProtos:             []string{"http/1.1"},
		}
		// Without this map the server would offer HTTP/2.
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		log.Fatal(server.ServeTLS(listener, os.Args[6], os.Args[7]))
	}
	log.Fatal(server.Serve(listener))
}
