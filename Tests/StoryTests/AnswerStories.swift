import RPC
import Support
import Testing

/// What the daemon answers does not depend on what it was asked before.
struct AnswerStories {
    private static let words = ["boat", "sheep", "person", "sky"]

    @Test func `a new daemon is healthy and says what it has loaded`() throws {
        let daemon = try Daemon("--threads", "2", "--queue", "5")
        let client = try daemon.client()
        #expect(try client.health())
        let status = try client.status()
        #expect(status.version == Version.current)
        #expect(status.models.map(\.name) == ["demo", "demo-captioner", "demo-filter"])
        #expect(status.models.allSatisfy { $0.bytes > 0 && $0.hash.count == 64 })
        #expect(status.threads == 2 && status.queueLimit == 5 && status.queued == 0)
        #expect(status.pictures == 0 && status.answered == 0)
        #expect(daemon.child.hasEnded == false)
    }

    @Test func `a picture is looked at once and asked about by its handle`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        let file = try Repository.scene(37)
        let looked = try client.look(file)
        #expect(looked.width == 192 && looked.height == 192 && looked.handle.count == 64)
        var request = SegmentRequest(.handle(looked.handle), ["boat", "sheep"])
        request.mask = true
        let answer = try client.answer(request)
        #expect(answer.header.handle == looked.handle)
        #expect(answer.header.labels.map(\.name) == ["boat", "sheep"])
        #expect(answer.header.labels[0].phrases.map(\.prompt) == ["a photograph of boat"])
        #expect(answer.header.recipe == "shared" && answer.header.timestep == 100 && answer.header.threshold == 0.5)
        #expect(answer.maps.map(\.label) == [0, 1])
        #expect(answer.maps.allSatisfy { $0.width == answer.header.latentWidth })
        let mask = try #require(answer.mask)
        #expect(mask.width == 192 && mask.height == 192)
        #expect(mask.counts.reduce(0, +) == 192 * 192)
        #expect(answer.trailer?.unetPasses == 1 && answer.trailer?.latentCached == false)

        let inline = try client.answer(SegmentRequest(.image(file), ["sheep"]))
        #expect(inline.header.handle == looked.handle)
        #expect(inline.trailer?.unetPasses == 0, "a later word runs no pass")
        #expect(inline.maps[0].data == answer.maps[1].data)
    }

    @Test(arguments: ["shared", "diffsegmenter"], ["f32", "int16"])
    func `an answer is the same bits cold, warm, after other words and in another daemon, on any number of threads`(
        recipe: String, precision: String
    ) throws {
        let warm = try Daemon("--precision", precision, "--threads", "1")
        let cold = try Daemon("--precision", precision, "--threads", "3")
        let file = try Repository.scene(2)
        func request(_ words: [String], _ encoding: Encoding) -> SegmentRequest {
            var request = SegmentRequest(.image(file), words, recipe: recipe)
            request.mask = true
            request.encoding = encoding
            return request
        }
        let client = try warm.client()
        _ = try client.answer(SegmentRequest(.image(Repository.scene(3)), Self.words, recipe: recipe))
        let first = try client.answer(request(Self.words, .u16))
        let again = try client.answer(request(Self.words, .u16))
        #expect(first.bits == again.bits)
        #expect(again.trailer?.unetPasses == 0 && first.trailer?.unetPasses != 0)

        let permuted = try cold.client().answer(request(Self.words.reversed(), .u16))
        #expect(permuted.maps.reversed().map(\.data) == first.maps.map(\.data))
        #expect(permuted.trailer?.answerHash != first.trailer?.answerHash, "the hash is of the labels' order")
        let ordered = try cold.client().answer(request(Self.words, .u16))
        #expect(ordered.bits == first.bits)
        for (index, word) in Self.words.enumerated() {
            let alone = try cold.client().answer(request([word], .u16))
            #expect(alone.maps[0].data == first.maps[index].data, "\(word) alone")
        }
    }

    @Test func `seed, timestep and forward prompt change the answer, their defaults do not`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        let plain = SegmentRequest(.image(try Repository.scene(5)), ["dog"])
        let bits = try client.answer(plain).bits
        var spelled = plain
        (spelled.recipe, spelled.timestep, spelled.threshold, spelled.forwardPrompt) = ("shared", 100, 0.5, "")
        #expect(try client.answer(spelled).bits == bits)
        for change: (inout SegmentRequest) -> Void in [
            { $0.seed = 1 }, { $0.timestep = 101 }, { $0.forwardPrompt = "a dog" }, { $0.recipe = "diffsegmenter" },
        ] {
            var changed = plain
            change(&changed)
            #expect(try client.answer(changed).bits != bits)
        }
        #expect(try client.answer(plain).bits == bits)
    }

    @Test func `settings change the answer, in any order and spelling, and are told back in one`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        var request = SegmentRequest(.image(try Repository.scene(5)), ["dog", "tree"], recipe: "best")
        request.mask = true
        let plain = try client.answer(request)
        #expect(plain.header.settings.isEmpty)
        request.settings = ["gamma=1", "rounds=02"]
        let own = try client.answer(request)
        #expect(own.header.settings.isEmpty && own.bits == plain.bits, "those are the recipe's own")
        request.settings = ["rounds=01", "weights=.5,.25,.25"]
        let set = try client.answer(request)
        #expect(set.header.recipe == "best" && set.header.settings == ["rounds=1", "weights=0.5,0.25,0.25"])
        #expect(set.bits != plain.bits)
        for settings in [request.settings.reversed(), set.header.settings] {
            request.settings = settings
            let again = try client.answer(request)
            #expect(again.header.settings == set.header.settings && again.bits == set.bits)
        }
    }

    @Test func `a header says whether labels compete, and the status how recipes differ`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        func compete(_ recipe: String, _ settings: String...) throws -> Bool {
            var request = SegmentRequest(.image(try Repository.scene(5)), ["dog"], recipe: recipe)
            (request.maps, request.settings) = (.none, settings)
            return try client.answer(request).header.labelsCompete
        }
        for recipe in try client.status().recipes {
            let gamma = try #require(recipe.settings.first { $0.key == "gamma" })
            let isTogether = ["iseg:", "cliper:", "cliper-b16:"].contains { recipe.name.hasPrefix($0) }
            #expect(try compete(recipe.name) == (isTogether || gamma.value != "off"), "\(recipe.name)")
            #expect(try compete(recipe.name, "gamma=0"), "\(recipe.name)")
            #expect(try compete(recipe.name, "gamma=off") == isTogether, "\(recipe.name)")
        }
        #expect(try compete("shared", "softmax=joint") && !compete("shared", "softmax=own"))
    }

    @Test func `maps come in the size asked for, or not at all`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        var request = SegmentRequest(.image(try Repository.scene(7)), ["cat", "cow"])
        request.maps = .sized
        var answer = try client.answer(request)
        #expect(answer.maps.allSatisfy { $0.width == 192 && $0.height == 192 })
        #expect(answer.mask == nil)
        (request.mapWidth, request.mapHeight, request.encoding) = (17, 5, .u8)
        answer = try client.answer(request)
        #expect(try answer.maps.map { try $0.scores().count } == [85, 85])
        request.maps = .none
        #expect(try client.answer(request).maps.isEmpty)
    }

    @Test func `phrases of a label are averaged and a prompt of one's own is read`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        func scores(_ phrases: [Phrase]) throws -> [Float] {
            var request = SegmentRequest(
                picture: .image(try Repository.scene(9)), labels: [Label(name: "it", phrases: phrases)])
            request.encoding = .f16
            return try client.answer(request).maps[0].scores()
        }
        let dog = try scores([Phrase(words: "dog")])
        let puppy = try scores([Phrase(words: "puppy", prompt: "one small puppy outdoors")])
        let both = try scores([Phrase(words: "dog"), Phrase(words: "puppy", prompt: "one small puppy outdoors")])
        #expect(dog != puppy)
        // Each of the three is rounded to a half: at most 2^-11 of a score below 1, twice averaged.
        let error = zip(zip(dog, puppy), both).map { abs(($0.0 + $0.1) / 2 - $1) }.max()
        #expect(error ?? 1 < 0x1p-10)
    }
}
