// Command health asks a daemon, through containerd's own ttrpc client, whether it serves and what
// it has loaded, and prints one JSON line for each answer.
//
//	health SOCKET
//
// Build with Debian's golang-go and golang-github-containerd-ttrpc-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build health.go
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/containerd/ttrpc"
	"github.com/gogo/protobuf/proto"
)

// The messages by hand: the tags say what Protos/health.proto and Protos/segmenter.proto say.

type healthCheckRequest struct {
	Service string `protobuf:"bytes,1,opt,name=service,proto3"`
}

type healthCheckResponse struct {
	Status int32 `protobuf:"varint,1,opt,name=status,proto3" json:"status"`
}

type statusRequest struct{}

type modelStatus struct {
	Name      string `protobuf:"bytes,1,opt,name=name,proto3" json:"name"`
	Hash      string `protobuf:"bytes,2,opt,name=hash,proto3" json:"hash"`
	Bytes     uint64 `protobuf:"varint,3,opt,name=bytes,proto3" json:"bytes"`
	Precision string `protobuf:"bytes,4,opt,name=precision,proto3" json:"precision"`
}

type statusReply struct {
	Version    string         `protobuf:"bytes,1,opt,name=version,proto3" json:"version"`
	Models     []*modelStatus `protobuf:"bytes,2,rep,name=models,proto3" json:"models"`
	Queued     uint32         `protobuf:"varint,3,opt,name=queued,proto3" json:"queued"`
	QueueLimit uint32         `protobuf:"varint,4,opt,name=queue_limit,proto3" json:"queue_limit"`
	Answered   uint64         `protobuf:"varint,5,opt,name=answered,proto3" json:"answered"`
	Threads    uint32         `protobuf:"varint,12,opt,name=threads,proto3" json:"threads"`
}

func (m *healthCheckRequest) Reset()         { *m = healthCheckRequest{} }
func (m *healthCheckRequest) String() string { return proto.CompactTextString(m) }
func (*healthCheckRequest) ProtoMessage()    {}

func (m *healthCheckResponse) Reset()         { *m = healthCheckResponse{} }
func (m *healthCheckResponse) String() string { return proto.CompactTextString(m) }
func (*healthCheckResponse) ProtoMessage()    {}

func (m *statusRequest) Reset()         { *m = statusRequest{} }
func (m *statusRequest) String() string { return proto.CompactTextString(m) }
func (*statusRequest) ProtoMessage()    {}

func (m *modelStatus) Reset()         { *m = modelStatus{} }
func (m *modelStatus) String() string { return proto.CompactTextString(m) }
func (*modelStatus) ProtoMessage()    {}

func (m *statusReply) Reset()         { *m = statusReply{} }
func (m *statusReply) String() string { return proto.CompactTextString(m) }
func (*statusReply) ProtoMessage()    {}

func ask(client *ttrpc.Client, service, method string, request, reply proto.Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.Call(ctx, service, method, request, reply); err != nil {
		return fmt.Errorf("%s/%s: %w", service, method, err)
	}
	return json.NewEncoder(os.Stdout).Encode(reply)
}

func run(path string) error {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(connection)
	defer client.Close()
	check := &healthCheckRequest{Service: "dseg.v1.Segmenter"}
	err = ask(client, "grpc.health.v1.Health", "Check", check, &healthCheckResponse{})
	if err != nil {
		return err
	}
	return ask(client, "dseg.v1.Segmenter", "Status", &statusRequest{}, &statusReply{})
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: health SOCKET")
		os.Exit(64)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "health:", err)
		os.Exit(1)
	}
}
