import Limits
import Foundation
import RPC
import Support
import Testing

/// The blocking client against a real socket with the real server half behind it.
struct ClientTests {
    static let request = SegmentRequest(
        picture: .handle("h"), labels: [Label(name: "dog")], encoding: .f16, mask: true)

    static func request(_ identifier: String) -> SegmentRequest {
        var request = request
        request.requestID = identifier
        return request
    }

    @Test func `status, health and cancel answer on one connection`() throws {
        let client = try Peer().client()
        #expect(try client.status() == MessageTests.status)
        #expect(try client.health())
        #expect(try client.cancel("nobody") == 1)
        #expect(try client.status() == MessageTests.status)
    }

    @Test func `a picture is brought whole in messages of at most a mebibyte`() throws {
        let peer = try Peer()
        let client = try peer.client()
        for length in [0, 1, 1_048_559, 1_048_560, 1_048_561, 5_000_000] {
            let file = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let reply = try client.look(file)
            #expect(reply.width == UInt32(length))
            #expect(reply.height <= 1 << 20)
            #expect(reply.handle == "\(file.reduce(0) { $0 &* 31 &+ UInt64($1) } as UInt64)")
        }
    }

    @Test func `a segmentation arrives in order and decodes`() throws {
        let client = try Peer().client()
        var maps: [[Float]] = []
        var mask: [UInt8] = []
        var kinds = ""
        try client.segment(Self.request) { reply in
            switch reply {
            case .header(let header):
                kinds += "h"
                #expect(header == MessageTests.header)
            case .scoreMap(let map):
                kinds += "s"
                maps.append(try map.scores())
            case .mask(let indices):
                kinds += "m"
                mask = try indices.indices()
            case .trailer: kinds += "t"
            case .loading: kinds += "l"
            case .probed: kinds += "p"
            }
        }
        #expect(kinds == "hssmt")
        #expect(maps.map { $0.map { Float16($0) } } == Peer.maps.map { $0.map { Float16($0) } })
        #expect(mask == Peer.indices)
    }

    @Test func `a refusal leaves the connection usable`() throws {
        let client = try Peer().client()
        let error = #expect(throws: RPCStatus.self) {
            try client.segment(Self.request("full")) { _ in }
        }
        #expect(error?.code == .resourceExhausted)
        #expect(try client.health())
        client.timeout = .zero
        let late = #expect(throws: RPCStatus.self) { try client.status() }
        #expect(late?.code == .deadlineExceeded)
        client.timeout = nil
        #expect(try client.health())
    }

    @Test func `a request over a frame is refused here, before anything is sent`() throws {
        let client = try Peer().client()
        var large = Self.request
        large.picture = .image([UInt8](repeating: 0, count: Limit.frameBytes))
        let error = #expect(throws: RPCStatus.self) { try client.segment(large) { _ in } }
        #expect(error?.code == .resourceExhausted)
        #expect(try client.health())
    }

    @Test func `an answer without its trailer is an error`() throws {
        let client = try Peer().client()
        let error = #expect(throws: RPCStatus.self) {
            try client.segment(Self.request("cut")) { _ in }
        }
        #expect(error?.code == .dataLoss)
    }

    @Test func `a closed connection is unavailable and says where`() throws {
        let peer = try Peer()
        let client = try peer.client()
        for _ in 0..<2 {
            let error = #expect(throws: RPCStatus.self) {
                try client.segment(Self.request("leave")) { _ in }
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains(peer.path) == true)
        }
    }

    @Test func `a description comes in order`() throws {
        let request = DescribeRequest(
            picture: .handle("h"), vocabulary: nil, model: "", requestID: "", deadlineMilliseconds: 0, keepAlive: "",
            progress: false)
        var replies: [DescribeReply] = []
        try Peer().client().describe(request) { replies.append($0) }
        #expect(replies == [.description(MessageTests.description), .choice(MessageTests.choice)])
    }

    @Test func `the loading of a model comes before the header, where it is asked for`() throws {
        var request = Self.request
        request.progress = true
        var replies: [SegmentReply] = []
        try Peer().client().segment(request) { replies.append($0) }
        #expect(replies.prefix(2) == [.loading(MessageTests.loading), .header(MessageTests.header)])
        #expect(replies.last == .trailer(MessageTests.trailer))
    }

    @Test func `a model is warmed, and an answer without it is an error`() throws {
        let client = try Peer().client()
        var replies: [WarmReply] = []
        try client.warm(WarmRequest(model: "sd15", keepAlive: "", requestID: "", deadlineMilliseconds: 0)) {
            replies.append($0)
        }
        #expect(replies == [.loading(MessageTests.loading), .model(MessageTests.model)])
        let error = #expect(throws: RPCStatus.self) {
            try client.warm(WarmRequest(model: "cut", keepAlive: "", requestID: "", deadlineMilliseconds: 0)) { _ in }
        }
        #expect(error?.code == .dataLoss)
        #expect(try client.unload(UnloadRequest(model: "sd15")) == UnloadReply(unloaded: ["sd15"], inUse: ["demo"]))
    }

    @Test func `the model of the first question is said once, before the picture`() throws {
        let reply = try Peer().client().look([UInt8](repeating: 1, count: 3_000_000), model: "sd15")
        #expect(reply == LookReply(handle: "sd15", width: 0, height: 0))
    }

    @Test func `another client cancels while the first one waits`() throws {
        let peer = try Peer()
        Thread.detachNewThread { _ = try? peer.client().cancel("wait") }
        let error = #expect(throws: RPCStatus.self) {
            try peer.client().segment(Self.request("wait")) { _ in }
        }
        #expect(error?.code == .cancelled)
    }

    @Test func `where nothing answers the error names the path and what to type`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/nobody.sock"
        let error = #expect(throws: RPCStatus.self) { try Client(path: path) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("dsegd serve --socket \(path)") == true)
        let both = #expect(throws: RPCStatus.self) { try Client(answeringAt: [path, path + "2"]) }
        #expect(both?.code == .unavailable)
        #expect(both?.message.contains("\(path) or \(path)2") == true)
        for bad in ["", String(repeating: "x", count: 108), "a\0b"] {
            let error = #expect(throws: RPCStatus.self) { try Client(path: bad) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `the first path that answers is taken`() throws {
        let peer = try Peer()
        let client = try Client(answeringAt: ["/nowhere/dseg.sock", peer.path])
        #expect(try client.health())
    }

    @Test func `the socket is looked for where the user said, then at the usual places`() {
        func candidates(_ explicit: String?, _ variables: [String: String]) -> [String] {
            SocketPath.candidates(explicit: explicit) { variables[$0] }
        }
        let all = ["DSEG_SOCKET": "unix:///a/b", "XDG_RUNTIME_DIR": "/run/user/7"]
        #expect(candidates("/x", all) == ["/x"])
        #expect(candidates("unix:///x", all) == ["/x"])
        #expect(candidates(nil, all) == ["/a/b"])
        #expect(candidates("", all) == [""])
        let usual = ["/run/user/7/dseg/dseg.sock", "/run/dseg/dseg.sock"]
        #expect(candidates(nil, ["XDG_RUNTIME_DIR": "/run/user/7"]) == usual)
        #expect(candidates(nil, ["DSEG_SOCKET": "", "XDG_RUNTIME_DIR": "/run/user/7"]) == usual)
        #expect(candidates(nil, ["XDG_RUNTIME_DIR": "relative"]) == ["/run/dseg/dseg.sock"])
        #expect(candidates(nil, [:]) == ["/run/dseg/dseg.sock"])
    }
}
