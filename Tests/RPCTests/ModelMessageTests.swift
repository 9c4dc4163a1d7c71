import RPC
import Testing

/// Laws of the messages about models.
struct ModelMessageTests {
    private func percent(_ bytes: UInt64, of total: UInt64) -> Int {
        Loading(model: "", stage: .reading, bytes: bytes, totalBytes: total).percent
    }

    @Test func `a hundred per cent are loaded when all is`() {
        for total: UInt64 in [1, 2, 99, 100, 101, 1 << 40, .max - 1, .max] {
            #expect(percent(0, of: total) == 0)
            #expect(percent(total - 1, of: total) == Int(Double(total - 1) / Double(total) * 100) || total > 1 << 39)
            #expect(percent(total - 1, of: total) < 100)
            #expect(percent(total, of: total) == 100)
            #expect(percent(.max, of: total) == 100, "files that grew")
        }
        #expect(percent(0, of: 0) == 0)
        #expect(percent(5, of: 0) == 0, "what is not known yet")
        #expect((0...1000).map { percent($0, of: 1000) } == (0...1000).map { $0 / 10 })
        #expect(percent(43 << 53, of: 100 << 53) == 43)
    }

    @Test func `a stage that is unknown is refused with those that are known`() {
        for value: [UInt8] in [[3], [0x7f], [0xff, 0xff, 0xff, 0xff, 0x0f]] {
            let error = #expect(throws: RPCStatus.self) { try Loading(decoding: [0x10] + value) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("Loading.stage") == true)
            #expect(error?.message.contains("0 (waiting), 1 (opening), 2 (reading)") == true)
        }
    }

    @Test func `the name of a model and how long it is kept have 256 bytes at most`() throws {
        func messages(_ text: String) -> [(String, () throws -> Void)] {
            [
                ("LookRequest.model", { _ = try LookRequest(decoding: LookRequest(data: [], model: text).encoded()) }),
                (
                    "SegmentRequest.keep_alive",
                    {
                        let request = SegmentRequest(picture: nil, labels: [], keepAlive: text)
                        _ = try SegmentRequest(decoding: request.encoded())
                    }
                ),
                (
                    "DescribeRequest.keep_alive",
                    {
                        let request = DescribeRequest(
                            picture: nil, vocabulary: nil, model: "", requestID: "", deadlineMilliseconds: 0,
                            keepAlive: text, progress: false)
                        _ = try DescribeRequest(decoding: request.encoded())
                    }
                ),
                (
                    "WarmRequest.model",
                    {
                        let request = WarmRequest(model: text, keepAlive: "", requestID: "", deadlineMilliseconds: 0)
                        _ = try WarmRequest(decoding: request.encoded())
                    }
                ),
                (
                    "WarmRequest.keep_alive",
                    {
                        let request = WarmRequest(model: "", keepAlive: text, requestID: "", deadlineMilliseconds: 0)
                        _ = try WarmRequest(decoding: request.encoded())
                    }
                ),
                ("UnloadRequest.model", { _ = try UnloadRequest(decoding: UnloadRequest(model: text).encoded()) }),
            ]
        }
        for (_, read) in messages(String(repeating: "m", count: 256)) { try read() }
        for (field, read) in messages(String(repeating: "m", count: 257)) {
            let error = #expect(throws: RPCStatus.self, "\(field)") { try read() }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message == "\(field) of 257 bytes, the limit is 256: shorten it.")
        }
    }

    /// Requests of clients that know no models are the bytes that they were.
    @Test func `a request that asks for nothing new is written as before`() {
        let request = SegmentRequest(picture: .handle("h"), labels: [Label(name: "dog")], mask: true)
        #expect(request.encoded() == [0x12, 1, 0x68, 0x1a, 5, 0x0a, 3, 0x64, 0x6f, 0x67, 0x68, 1])
        #expect(LookRequest(data: [7]).encoded() == [0x0a, 1, 7])
    }
}
