import Limits
@testable import RPC

extension FuzzTarget {
    /// A client's bytes, cut at places that the input chooses, and a server that answers between them.
    ///
    /// 8 KiB hold more requests than a connection may have open calls. Payloads over the limit are skipped as they
    /// come, so a header alone tests that.
    static let frames = FuzzTarget(
        name: "frames", longest: 8192, mebibytes: 1024,
        words: ["dseg.v1.Segmenter", "grpc.health.v1.Health"].map { Array($0.utf8) }
            + Method.allCases.map { Array($0.name.utf8) }
            + [[0, 0x40, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 0, 0, 0, 1, 3, 5], [0, 0, 0, 1, 1, 0]],
        seeds: { Frames.seeds },
        run: { bytes in
            var input = Input(bytes)
            let steps = input.take(Int(input.byte() % 64))
            Frames.cutAnywhere(Array(input.rest), steps)
            Frames.answered(Array(input.rest), steps)
        })
}

/// An input is a number of steps, the steps, and the client's bytes. A step's low five bits say how many bytes come at
/// once, its high ones what the server does then.
enum Frames {
    private static let lengths = [
        1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512, 768, 1024,
        1536, 2048, 4096, 8192,
    ]

    /// The bytes in pieces, and with each the step that cut it.
    private static func pieces(of bytes: [UInt8], _ steps: [UInt8]) -> [(step: UInt8, bytes: ArraySlice<UInt8>)] {
        var pieces: [(UInt8, ArraySlice<UInt8>)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let step = steps.isEmpty ? 0 : steps[pieces.count % steps.count]
            pieces.append((step, rest.prefix(lengths[Int(step % 32)])))
            rest = rest.dropFirst(lengths[Int(step % 32)])
        }
        return pieces
    }

    /// However the bytes are cut, a connection does the same.
    static func cutAnywhere(_ bytes: [UInt8], _ steps: [UInt8]) {
        var (whole, cut) = (ServerConnection(), ServerConnection())
        let expected = whole.receive(bytes)
        let found = pieces(of: bytes, steps).flatMap { cut.receive($0.bytes) }
        require(found == expected, "cut: \(found), whole: \(expected)")
        require(cut.openCalls == whole.openCalls && cut.frameCount == whole.frameCount, "cuts change no count")
        require(cut.lastFault == whole.lastFault, "cuts change no fault")
        if case .close? = expected.last { return }
        require(cut.partialBytes == whole.partialBytes && cut.keptBytes == whole.keptBytes, "cuts change no buffer")
        require(cut.nextFrameBytes == nil, "what is complete is decoded")
    }

    /// Whatever comes, the table of calls is the one that its actions tell.
    static func answered(_ bytes: [UInt8], _ steps: [UInt8]) {
        var connection = ServerConnection()
        var model = OpenCalls()
        for (step, piece) in pieces(of: bytes, steps) {
            connection.append(piece)
            while let actions = connection.next() { for action in actions { model.take(action) } }
            act(step, &connection, &model)
            require(connection.openCalls == model.calls.count, "the table is as its actions say")
            require(connection.openCalls <= Limit.streams, "\(connection.openCalls) calls are open")
            require(
                connection.keptBytes < Frame.headerLength + Limit.frameBytes + piece.count,
                "\(connection.keptBytes) bytes are kept")
        }
    }

    private static func act(_ step: UInt8, _ connection: inout ServerConnection, _ model: inout OpenCalls) {
        let open = model.calls.keys.sorted()
        let stream = open.isEmpty ? UInt32(step) : open[Int(step % 32) % open.count]
        let isOpen = model.calls[stream] != nil
        let status = RPCStatus(.resourceExhausted, "no more")
        switch step >> 5 {
        case 1: model.end(stream, by: connection.reply([step], on: stream), .response)
        case 2:
            let sent = try? connection.send([step], on: stream)
            require((sent != nil) == isOpen, "what is sent is sent on open streams")
        case 3: model.end(stream, by: connection.finish(stream), .data)
        case 4: model.end(stream, by: connection.fail(stream, with: status), .response)
        case 5: for action in connection.refuseNext(with: status) { model.take(action) }
        case 6:
            require(connection.finish(stream &+ 2) == nil || model.calls[stream &+ 2] != nil, "nothing ends twice")
            model.calls[stream &+ 2] = nil
        default: break
        }
    }

    static var seeds: [[UInt8]] {
        let score: [UInt8] =
            [
                0, 0, 0, 35, 0, 0, 0, 1, 1, 1, 10, 14,
            ] + Array("dseg.v1.Scorer".utf8) + [18, 5] + Array("Score".utf8)
            + [26, 4, 10, 2, 104, 105, 32, 128, 228, 151, 208, 18]
        let data: [UInt8] = [0, 0, 0, 7, 0, 0, 0, 1, 3, 0, 8, 1, 18, 3, 97, 98, 99, 0, 0, 0, 0, 0, 0, 0, 1, 3, 5]
        let failure: [UInt8] = [
            0, 0, 0, 16, 0, 0, 0, 1, 2, 0, 10, 14, 8, 8, 18, 10, 113, 117, 101, 117, 101, 32, 102, 117, 108, 108,
        ]
        let calls = Method.allCases.enumerated().flatMap { number, method in
            (try? ClientCall(method, stream: UInt32(2 * number + 1), payload: [8, 1], timeout: .seconds(1)))?.opening
                ?? []
        }
        let many = (0..<40).flatMap { number in
            (try? ClientCall(.look, stream: UInt32(2 * number + 1), payload: [], timeout: nil))?.opening ?? []
        }
        let upload =
            (try? ClientCall(.look, stream: 1, payload: [], timeout: nil)).map { call in
                call.opening + ((try? call.message([1, 2, 3])) ?? []) + call.halfClose
            } ?? []
        let streams = [score, data, failure, score + data, calls, many, upload, calls + data + upload]
        return streams.flatMap { stream in [[0] + stream, [5, 0, 40, 77, 139, 172] + stream] }
    }
}

/// The calls that are open as the actions of a connection tell it.
struct OpenCalls {
    var calls: [UInt32: (shape: CallShape, hasEnded: Bool)] = [:]
    private var newest: UInt32 = 0
    private var isClosed = false

    mutating func take(_ action: ServerConnection.Action) {
        require(!isClosed, "nothing follows the end of a connection")
        switch action {
        case .open(let call):
            require(call.stream % 2 == 1 && call.stream > newest, "stream \(call.stream) after \(newest)")
            require(call.timeout.map { $0 > .zero } ?? true, "a limit of \(String(describing: call.timeout))")
            newest = call.stream
            calls[call.stream] = (call.method.shape, false)
        case .message(let stream, _): requireUpload(stream)
        case .halfClose(let stream):
            requireUpload(stream)
            calls[stream]?.hasEnded = true
        case .cancel(let stream): require(calls.removeValue(forKey: stream) != nil, "what is cancelled was open")
        case .write(let bytes):
            let frame = Self.frame(bytes)
            require(frame.kind == .response && calls[frame.stream] == nil, "a refused call is not open")
            guard case .failure(let status)? = try? CallResponse(decoding: frame.payload) else {
                return require(false, "a refusal has a status")
            }
            require(status.code != .ok && !status.message.isEmpty, "a refusal has a reason")
        case .close:
            calls = [:]
            isClosed = true
        }
    }

    /// Ends a call by what the server wrote, `nil` if it was not open.
    mutating func end(_ stream: UInt32, by bytes: [UInt8]?, _ kind: Frame.Kind) {
        require((bytes != nil) == (calls.removeValue(forKey: stream) != nil), "what ends is open")
        guard let bytes else { return }
        let frame = Self.frame(bytes)
        require(frame.stream == stream && frame.kind == kind, "\(frame.kind) on \(frame.stream) ends \(stream)")
    }

    private func requireUpload(_ stream: UInt32) {
        guard let call = calls[stream] else { return require(false, "a message comes on an open call") }
        require(call.shape == .clientStreaming && !call.hasEnded, "a message comes before the end of an upload")
    }

    /// The one frame that these bytes are.
    private static func frame(_ bytes: [UInt8]) -> Frame {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        guard case .frame(let frame)?? = try? decoder.next(), decoder.partialBytes == nil else {
            require(false, "what is written is one frame")
            return .end(of: 0)
        }
        require(frame.encoded() == bytes, "a frame is written in one way")
        return frame
    }
}
