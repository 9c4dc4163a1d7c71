import RPC
import Support
import Testing

@testable import Results

/// What `dseg status` and `dseg ps` print.
@Suite struct StatusReportTests {
    static func model(
        _ name: String, hash: String = "0123456789abcdef", bytes: UInt64, precision: String = "int16",
        role: String = "segmenter", until: UInt64 = 0, keptForEver: Bool = false, loading: Loading? = nil,
        calls: UInt32 = 0, requests: UInt64 = 0, p50: Float = 0, p99: Float = 0, beside model: String = ""
    ) -> ModelStatus {
        ModelStatus(
            name: name, hash: hash, bytes: bytes, precision: precision, role: role, untilMilliseconds: until,
            keptForEver: keptForEver, loading: loading, calls: calls, requests: requests, p50Milliseconds: p50,
            p99Milliseconds: p99, model: model)
    }

    /// Two that are loaded, the first with networks beside it, and one that is being loaded.
    static let models = [
        model("sd15", bytes: 2_040_109_466, until: 287_400, calls: 2, requests: 41, p50: 1234.5, p99: 9876),
        model("blip-large", hash: "b11b11b11b11b11b11", bytes: 400 << 20, role: "captioner", beside: "sd15"),
        model("clip", hash: "c11c11c11c11c11c11", bytes: 165 << 20, role: "filter", beside: "sd15"),
        model("demo", hash: "feedfeedfeedfeed", bytes: 18 << 20, precision: "f32", keptForEver: true),
        model(
            "sd21", hash: "", bytes: 0, precision: "",
            loading: Loading(model: "sd21", stage: .reading, bytes: 923_417_969, totalBytes: 2 << 30), calls: 100),
    ]

    static func name(_ user: UInt32) -> String { "user \(user)" }

    static func status(_ models: [ModelStatus]) -> StatusReply {
        StatusReply(
            version: "1.2", models: models, queued: 3, queueLimit: 64, answered: 41, refused: 1, pictures: 3,
            picturesBytes: 12_897_485, picturesLimit: 1 << 30, words: 20, wordsBytes: 1 << 20, wordsLimit: 64 << 20,
            uptimeMilliseconds: 61_999, threads: 2, recipes: [], memoryBytes: 2_147_483_648,
            memoryLimit: 19_434_727_015, keepAlive: "5m", defaultModel: "sd15", activity: .none)
    }

    @Test func `ps is a table of models, caches and memory`() {
        #expect(
            StatusReport(Self.status(Self.models), user: Self.name).table == """
                NAME          HASH          SIZE       PRECISION  UNTIL               CALLS  REQUESTS  P50    P99
                sd15          0123456789ab  1.9 GiB    int16      4 minutes from now  2      41        1.2 s  9.9 s
                  blip-large  b11b11b11b11  400.0 MiB  int16
                  clip        c11c11c11c11  165.0 MiB  int16
                demo          feedfeedfeed  18.0 MiB   f32        for ever            0      0         -      -
                sd21          -             2.0 GiB    -          loading 43 %        100    0         -      -

                pictures  3, 12.3 MiB of 1.0 GiB
                words     20, 1.0 of 64.0 MiB
                memory    2.0 of 18.1 GiB

                """)
    }

    @Test func `ps without models is the table's heading`() {
        let report = StatusReport(Self.status([]), user: Self.name)
        #expect(report.table == "NAME  HASH  SIZE  PRECISION  UNTIL  CALLS  REQUESTS  P50  P99\n")
        #expect(!report.hasModels)
    }

    @Test func `status is a line for each model and each part of the daemon`() {
        #expect(
            StatusReport(Self.status(Self.models), user: Self.name).summary == """
                dsegd     1.2, up 61 s, 2 threads
                model     sd15, 1.9 GiB, int16, 0123456789ab
                captioner blip-large, 400.0 MiB, int16, b11b11b11b11
                filter    clip, 165.0 MiB, int16, c11c11c11c11
                model     demo, 18.0 MiB, f32, feedfeedfeed
                model     sd21, loading 43 %, 880.6 MiB of 2.0 GiB
                queue     3 of 64, 41 answered, 1 refused
                pictures  3, 12.3 MiB of 1.0 GiB
                words     20, 1.0 of 64.0 MiB

                """)
    }

    @Test func `status without models says which one answers`() {
        #expect(
            StatusReport(Self.status([]), user: Self.name).summary.contains(
                "\nmodel     none is loaded; sd15 answers where a request names none\n"))
    }

    @Test func `as JSON bytes, times and counts are numbers`() {
        let (one, beside, loading) = (Self.models[0], Self.models[1], Self.models[4])
        #expect(
            StatusReport(Self.status([one, beside, loading]), user: Self.name).json == """
                {"activity":{"administrator":false,"answerBytes":0,"failures":[],"incomingBytes":0,\
                "stuckMilliseconds":0,"users":[]},"defaultModel":"sd15","keepAlive":"5m",\
                "memory":{"bytes":2147483648,"limit":19434727015},"models":[\
                {"bytes":2040109466,"calls":2,"hash":"0123456789abcdef","keptForEver":false,"name":"sd15",\
                "p50Milliseconds":1234.5,"p99Milliseconds":9876,"precision":"int16","requests":41,"role":"segmenter",\
                "untilMilliseconds":287400},\
                {"bytes":419430400,"calls":0,"hash":"b11b11b11b11b11b11","keptForEver":false,"model":"sd15",\
                "name":"blip-large","precision":"int16","requests":0,"role":"captioner","untilMilliseconds":0},\
                {"bytes":0,"calls":100,"hash":"","keptForEver":false,"loading":{"bytes":923417969,"percent":43,\
                "stage":"reading","totalBytes":2147483648},"name":"sd21","precision":"","requests":0,\
                "role":"segmenter","untilMilliseconds":0}],\
                "pictures":{"bytes":12897485,"entries":3,"limit":1073741824},\
                "queue":{"answered":41,"limit":64,"queued":3,"refused":1},"threads":2,"uptimeMilliseconds":61999,\
                "version":"1.2","words":{"bytes":1048576,"entries":20,"limit":67108864}}

                """)
    }

    @Test func `a time that is none, or without end, is no number of the JSON object`() {
        let odd = Self.model("m", bytes: 1, keptForEver: true, p50: .nan, p99: .infinity)
        let json = StatusReport(Self.status([odd]), user: Self.name).json
        #expect(json.contains(#"{"bytes":1,"calls":0,"hash":"0123456789abcdef","keptForEver":true,"name":"m","#))
        #expect(!json.contains("p50") && !json.contains("p99") && !json.contains("until"))
    }

    @Test func `until when a model stays is told by the largest unit`() {
        let times: [(UInt64, String)] = [
            (1, "less than a second"), (499, "less than a second"), (500, "1 second"), (1499, "1 second"),
            (1500, "2 seconds"), (59_499, "59 seconds"), (59_500, "1 minute"), (119_000, "1 minute"),
            (120_000, "2 minutes"), (299_900, "5 minutes"), (3_599_499, "59 minutes"), (3_600_000, "1 hour"),
            (86_399_000, "23 hours"), (86_400_000, "1 day"), (172_800_000, "2 days"), (.max, "213503982334 days"),
        ]
        for (milliseconds, text) in times {
            #expect(Self.model("m", bytes: 0, until: milliseconds).until == "\(text) from now")
        }
        #expect(Self.model("m", bytes: 0, until: 0).until == "now")
        #expect(Self.model("m", bytes: 0, until: 0, calls: 1).until == "its calls end")
        #expect(Self.model("m", bytes: 0, until: 5, keptForEver: true).until == "for ever")
    }

    @Test func `a model that was warmed is told in a line`() {
        func warmth(_ until: UInt64, _ keptForEver: Bool) -> String {
            Self.model("sd15", bytes: 2_040_109_466, until: until, keptForEver: keptForEver).warmth
        }
        #expect(warmth(1_799_990, false) == "sd15 is loaded, 1.9 GiB, until 30 minutes from now")
        #expect(warmth(0, true) == "sd15 is loaded, 1.9 GiB, for ever")
        #expect(warmth(0, false) == "sd15 is loaded, 1.9 GiB, for as long as calls use it")
        #expect(
            UnloadReply(unloaded: ["a", "b"], inUse: ["c"]).lines == [
                "a is unloaded", "b is unloaded", "c is in use, and goes as soon as its calls have ended",
            ])
    }

    @Test func `bytes and times are told with a decimal, and what is not all never as all`() {
        #expect(Amount.bytes(0) == "0.0 MiB")
        #expect(Amount.bytes((1 << 30) - 1) == "1023.9 MiB")
        #expect(Amount.bytes(.max) == "17179869183.9 GiB")
        #expect(Amount.bytes((2 << 30) - 1, of: 2 << 30) == "1.9 of 2.0 GiB")
        let times: [(Float, String)] = [
            (0, "-"), (-1, "-"), (.nan, "-"), (.infinity, "-"), (.greatestFiniteMagnitude, "-"), (0.04, "0.0 ms"),
            (0.31, "0.3 ms"), (9.94, "9.9 ms"), (9.96, "10 ms"), (340.4, "340 ms"), (999.4, "999 ms"),
            (999.6, "1.0 s"), (61_234, "61.2 s"),
        ]
        for (milliseconds, text) in times { #expect(Amount.time(milliseconds: milliseconds) == text) }
    }

    @Test func `a terminal shows how far a model's loading is`() {
        func line(_ stage: Loading.Stage, _ bytes: UInt64, _ total: UInt64) -> String {
            Loading(model: "sd15", stage: stage, bytes: bytes, totalBytes: total).long
        }
        #expect(line(.waiting, 0, 0) == "waiting for memory, or another model, to load sd15")
        #expect(line(.opening, 0, 0) == "opening sd15")
        #expect(line(.reading, 0, 0) == "loading sd15")
        #expect(line(.reading, 923_417_969, 2 << 30) == "loading sd15  43 %  880.6 MiB of 2.0 GiB")
        #expect(line(.reading, 2 << 30, 2 << 30) == "loading sd15  100 %  2.0 of 2.0 GiB")
    }

    @Test func `columns are as wide as their widest cell, and no line ends with spaces`() {
        #expect(
            TextTable.lines([["A", "B", "C"], ["longer", "", ""], ["x", "\u{1F415}\u{1F415}", "y"]]) == [
                "A       B   C", "longer", "x       \u{1F415}\u{1F415}  y",
            ])
        #expect(TextTable.lines([]).isEmpty)
    }
}
