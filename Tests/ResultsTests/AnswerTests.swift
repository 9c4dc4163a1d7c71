import ArgumentParser
import RPC
import Testing

@testable import Results

@Suite struct AnswerTests {
    @Test func `shares are the mask's pixels over the picture's`() throws {
        let example = try Example()
        let answer = try example.answer(to: example.plan().request(.handle(""), requestID: ""))
        #expect(answer.shares.map(\.share) == [5.0 / 24, 11.0 / 24])
        #expect(answer.shareLines == ["dog 20.8 %", "grass 45.8 %"])
    }

    @Test func `a stream that ends early is no answer`() throws {
        let example = try Example()
        let request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
        let replies = try example.replies(to: request)
        for length in 0..<replies.count {
            var assembly = AnswerAssembly(of: request)
            for reply in replies.prefix(length) { try assembly.receive(reply) }
            #expect(throws: RPCStatus.self) { try assembly.answer() }
        }
    }

    @Test func `messages that are swapped, doubled or left out are refused`() throws {
        let example = try Example()
        let request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
        let replies = try example.replies(to: request)
        func isRefused(_ replies: [SegmentReply]) -> Bool {
            var assembly = AnswerAssembly(of: request)
            do {
                for reply in replies { try assembly.receive(reply) }
                _ = try assembly.answer()
                return false
            } catch { return true }
        }
        #expect(!isRefused(replies))
        for i in replies.indices {
            var (doubled, missing) = (replies, replies)
            doubled.insert(replies[i], at: i)
            missing.remove(at: i)
            #expect(isRefused(doubled) && isRefused(missing))
        }
        for (i, j) in [(0, 1), (1, 2), (3, 4), (0, 3), (0, 4)] {
            var swapped = replies
            swapped.swapAt(i, j)
            #expect(isRefused(swapped))
        }
    }

    @Test func `maps without a mask are of the size that was asked for, and all there`() throws {
        let example = try Example()
        var request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
        let replies = try example.replies(to: request)
        let maps = replies.filter { if case .mask = $0 { false } else { true } }
        func isTaken(_ replies: [SegmentReply]) -> Bool {
            var checks = AnswerChecks(of: request, size: nil)
            return (try? replies.forEach { try checks.receive($0) }) != nil && (try? checks.ends()) != nil
        }
        #expect(isTaken(replies) && !isTaken(maps))
        request.mask = false
        #expect(isTaken(maps) && !isTaken(replies))
        for place in maps.indices { #expect(!isTaken(Array(maps[..<place] + maps[(place + 1)...]))) }
        (request.mapWidth, request.mapHeight) = (UInt32(Example.width), UInt32(Example.height))
        #expect(isTaken(maps))
        request.mapHeight += 1
        #expect(!isTaken(maps))
    }

    @Test func `a model's loading comes before all else, and only where it was asked for`() throws {
        let example = try Example()
        var request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
        let replies = try example.replies(to: request)
        let loading = SegmentReply.loading(Loading(model: "demo", stage: .reading, bytes: 1, totalBytes: 2))
        func isTaken(_ replies: [SegmentReply]) -> Bool {
            var assembly = AnswerAssembly(of: request)
            return (try? replies.forEach { try assembly.receive($0) }) != nil && (try? assembly.answer()) != nil
        }
        #expect(!isTaken([loading] + replies))
        request.progress = true
        #expect(isTaken(replies) && isTaken([loading] + replies) && isTaken([loading, loading] + replies))
        #expect(!isTaken([loading]))
        for place in 1...replies.count {
            #expect(!isTaken(replies[..<place] + [loading] + replies[place...]))
        }
    }

    @Test func `an answer by other numbers, another recipe or model than was asked for is refused`() throws {
        let example = try Example()
        let options = ["--recipe", "best", "--seed", "7", "--threshold", "0.3"]
        var request = try example.plan(options).request(.handle(""), requestID: "")
        (request.timestep, request.model, request.forwardPrompt) = (100, "demo", "a")
        func isRefused(_ change: (inout Header) -> Void) -> Bool {
            var header = example.header()
            header.forwardPrompt = "a"
            change(&header)
            return (try? example.answer(to: request, header: header)) == nil
        }
        #expect(!isRefused { _ in })
        #expect(!isRefused { ($0.model, $0.modelHash) = ("another", "demo") }, "a model is named by its hash, too")
        #expect(!isRefused { ($0.model, $0.modelAliases) = ("another", ["cafe", "demo"]) }, "or by an older one")
        #expect(isRefused { $0.recipe = "diffsegmenter" } && isRefused { $0.seed = 8 })
        #expect(isRefused { $0.threshold = 0.5 } && isRefused { $0.timestep = 99 })
        #expect(isRefused { $0.forwardPrompt = "A" } && isRefused { $0.model = "another" })
        for side in [0, 1 << 20, UInt32.max] { #expect(isRefused { $0.latentWidth = side }) }
    }

    /// A daemon spells values in its own way, and leaves out what the recipe has anyway.
    @Test func `settings are those that were asked for, however they are spelled`() throws {
        let example = try Example()
        func isTaken(_ asked: [String], _ told: [String]) throws -> Bool {
            var header = example.header()
            header.settings = told
            let options = asked.flatMap { ["--set", $0] }
            let request = try example.plan(options).request(.handle(""), requestID: "")
            return (try? example.answer(to: request, header: header)) != nil
        }
        #expect(try isTaken([], []) && isTaken(["gamma=2"], ["gamma=2"]) && isTaken(["gamma=08"], ["gamma=8"]))
        #expect(try isTaken(["rounds=3", "weights=.5,5e-1,0"], ["weights=0.5,0.5,0.0", "rounds=3"]))
        #expect(try isTaken(["gamma=1", "edges=off"], ["edges=off"]) && isTaken(["gamma=1"], []))
        #expect(try !isTaken([], ["gamma=2"]) && !isTaken(["gamma=2"], ["gamma=3"]))
        #expect(try !isTaken(["gamma=2"], ["rounds=2"]) && !isTaken(["edges=off"], ["edges=on"]))
        #expect(try !isTaken(["gamma=2"], ["gamma=2", "gamma=2"]) && !isTaken(["gamma=2"], ["gamma"]))
        #expect(try !isTaken(["weights=1,0"], ["weights=1"]) && !isTaken(["weights=1"], ["weights=1,0"]))
        #expect(try !isTaken(["gamma=nan"], ["gamma=NaN"]) && !isTaken(["gamma=2"], ["gamma=2="]))
    }

    @Test func `a map of another size than was asked for is refused`() throws {
        let example = try Example()
        var request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
        func isTaken(_ replies: [SegmentReply]) -> Bool {
            var assembly = AnswerAssembly(of: request)
            return (try? replies.forEach { try assembly.receive($0) }) != nil
        }
        let sized = try example.replies(to: request)
        #expect(request.maps == .sized && isTaken(sized))
        request.maps = .latent
        let latent = try example.replies(to: request)
        #expect(isTaken(latent) && !isTaken(sized))
        request.maps = .sized
        #expect(!isTaken(latent))
    }

    @Test func `what no answer can hold is refused`() throws {
        let example = try Example()
        var request = try example.plan(["--heat"]).request(.handle(""), requestID: "")
        request.maps = .latent
        func isRefused(_ change: (inout Header) -> Void) -> Bool {
            var header = example.header()
            change(&header)
            return (try? example.answer(to: request, header: header)) == nil
        }
        #expect(!isRefused { _ in })
        for threshold in [Float.nan, .infinity, -0.1, 1.1] { #expect(isRefused { $0.threshold = threshold }) }
        #expect(isRefused { $0.labels.removeLast() })
        #expect(isRefused { $0.labels[0].phrases.removeLast() })
        #expect(isRefused { $0.labels[0].phrases[0].words = "cat" })
        #expect(isRefused { $0.latentWidth = 4 })
        var assembly = AnswerAssembly(of: request, size: (Example.width + 1, Example.height))
        #expect(throws: RPCStatus.self) { try assembly.receive(.header(example.header())) }
    }

    @Test func `an answer to another question is refused`() throws {
        let example = try Example()
        let request = try MaskPlan(
            try MaskOptions.parse(["r.png", "cat, grass"]), standardOutputIsTerminal: false
        ).request(.handle(""), requestID: "")
        #expect(throws: RPCStatus.self) { try example.answer(to: request) }
        let own = try example.plan().request(.handle(""), requestID: "")
        var header = example.header()
        header.height += 1
        #expect(throws: RPCStatus.self) { try example.answer(to: own, header: header) }
    }
}
