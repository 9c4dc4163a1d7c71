import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// What a real daemon counts, as Prometheus' own client reads it.
struct MetricsStories {
    /// What `Tests/Readers/metrics.py` prints.
    private struct Scrape: Decodable {
        let types: [String: String]
        let values: [String: Double]

        subscript(_ name: String) -> Double { values[name] ?? -1 }

        /// The sum over all lines of a metric.
        func sum(_ name: String, where isMeant: (String) -> Bool = { _ in true }) -> Double {
            values.reduce(0) { $0 + ($1.key.hasPrefix("\(name){") && isMeant($1.key) ? $1.value : 0) }
        }
    }

    /// Texts that were scraped one after the other, the last of them as it is read.
    private final class Scrapes {
        private let place: TemporaryDirectory
        private let client: Client
        private var paths: [String] = []

        init(_ daemon: Daemon) throws {
            place = try TemporaryDirectory()
            client = try daemon.client()
        }

        func next() throws -> Scrape {
            paths.append("\(place.path)/\(paths.count)")
            try client.metrics().write(toFile: paths[paths.count - 1], atomically: false, encoding: .utf8)
            return try JSONDecoder().decode(Scrape.self, from: Data(read(by: "metrics.py", paths).utf8))
        }
    }

    @Test func `every metric is there from the beginning, with its type`() throws {
        let daemon = try Daemon()
        let scrape = try Scrapes(daemon).next()
        #expect(
            scrape.types == [
                "dseg_build_info": "gauge", "dseg_serving": "gauge", "dseg_engine_stuck": "gauge",
                "dseg_requests": "counter",
                "dseg_request_seconds": "histogram", "dseg_stage_seconds": "histogram", "dseg_refusals": "counter",
                "dseg_received_bytes": "counter", "dseg_sent_bytes": "counter", "dseg_cache_hits": "counter",
                "dseg_cache_misses": "counter", "dseg_queue_depth": "gauge", "dseg_queue_limit": "gauge",
                "dseg_open_calls": "gauge", "dseg_open_connections": "gauge", "dseg_connections_limit": "gauge",
                "dseg_connections": "counter", "dseg_held_bytes": "gauge", "dseg_held_limit_bytes": "gauge",
                "dseg_models_loaded": "gauge", "dseg_models_loading": "gauge", "dseg_model_bytes": "gauge",
                "dseg_memory_limit_bytes": "gauge", "dseg_cache_bytes": "gauge", "dseg_cache_limit_bytes": "gauge",
                "dseg_cache_entries": "gauge", "process_cpu_seconds": "counter", "process_start_time_seconds": "gauge",
                "process_resident_memory_bytes": "gauge", "process_virtual_memory_bytes": "gauge",
                "process_threads": "gauge", "process_open_fds": "gauge", "process_max_fds": "gauge",
            ])
        let manual = try String(contentsOfFile: "\(Repository.root)/Packaging/man/dseg-formats.7", encoding: .utf8)
        for name in scrape.types.keys where !name.hasPrefix("process_") {
            #expect(manual.contains(name), "\(name) is not in the manual")
        }
        for stage in ["queue", "decode", "vae", "text", "unet", "post", "encode", "words"] {
            #expect(scrape["dseg_stage_seconds_count{stage=\(stage)}"] == 0, "\(stage)")
        }
        for method in Method.allCases.filter({ $0 != .health }) {
            #expect(scrape["dseg_requests_total{code=ok,op=\(method.name)}"] == 0, "\(method)")
        }
        for cache in ["features", "phrases", "latents", "replies"] {
            #expect(scrape["dseg_cache_hits_total{cache=\(cache)}"] == 0)
            #expect(scrape["dseg_cache_misses_total{cache=\(cache)}"] == 0)
        }
        #expect(scrape["dseg_serving"] == 1 && scrape["dseg_engine_stuck"] == 0)
    }

    @Test func `what is called is counted, by method and by how it ended`() throws {
        let daemon = try Daemon("--queue", "1")
        let scrapes = try Scrapes(daemon)
        let client = try daemon.client()
        let start = try scrapes.next()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        for words in [["boat"], ["boat"], ["sky"]] { _ = try client.answer(SegmentRequest(picture, words)) }
        for _ in 0..<2 { #expect(throws: RPCStatus.self) { try client.look(Array("no picture".utf8)) } }
        #expect(try client.refusal(SegmentRequest(picture, ["boat"], recipe: "cake"))?.code == .invalidArgument)
        for _ in 0..<5 { _ = try client.status() }
        let end = try scrapes.next()
        func counted(_ method: String, _ code: String) -> Double {
            end["dseg_requests_total{code=\(code),op=\(method)}"]
                - max(0, start["dseg_requests_total{code=\(code),op=\(method)}"])
        }
        #expect(counted("Segment", "ok") == 3 && counted("Segment", "invalidArgument") == 1)
        #expect(counted("Look", "invalidArgument") == 2 && counted("Look", "ok") == 0)
        #expect(counted("Status", "ok") == 5)
        #expect(counted("Metrics", "ok") == 1, "of the scrapes, the one that had ended")
        #expect(end["dseg_request_seconds_count{op=Segment}"] == 4)
        let modelBytes = Double(try client.status().memoryBytes)
        #expect(end["dseg_models_loaded"] == 1 && end["dseg_model_bytes"] == modelBytes)

        // Two of the three answers were computed, of the first picture's latent and pass; one was remembered.
        #expect(end["dseg_cache_hits_total{cache=replies}"] == 1)
        #expect(end["dseg_cache_misses_total{cache=replies}"] == 2)
        #expect(end["dseg_cache_hits_total{cache=latents}"] == 1 && end["dseg_cache_misses_total{cache=latents}"] == 1)
        #expect(end["dseg_cache_misses_total{cache=features}"] >= 1)
        let fileBytes = Double(try Repository.scene(1).count)
        #expect(end["dseg_received_bytes_total"] > 4 * fileBytes)
        #expect(end["dseg_sent_bytes_total"] > start["dseg_sent_bytes_total"])
    }

    /// However soon an answer is sent after its last part was computed.
    @Test func `every answer is counted by its finished report`() throws {
        let daemon = try Daemon()
        let scrapes = try Scrapes(daemon)
        let client = try daemon.client()
        let picture = SegmentRequest.Picture.image(try Repository.scene(2))
        let count = 60
        var passes: Double = 0
        for number in 1...count {
            let trailer = try client.answer(SegmentRequest(picture, ["boat \(number)"])).trailer
            passes += Double(trailer?.unetPasses ?? 0)
        }
        let end = try scrapes.next()
        #expect(passes > 0 && end["dseg_cache_misses_total{cache=features}"] == passes)
        #expect(end["dseg_cache_misses_total{cache=latents}"] == 1)
        #expect(end["dseg_cache_hits_total{cache=latents}"] == Double(count - 1))
    }

    @Test func `stages take no longer than the calls that have them, and as long as answers say`() throws {
        let daemon = try Daemon()
        let scrapes = try Scrapes(daemon)
        let client = try daemon.client()
        let trailers = try (1...3).map { number in
            try client.answer(SegmentRequest(.image(Repository.scene(number)), ["boat", "sky"])).trailer
        }
        let end = try scrapes.next()
        let stages = end.sum("dseg_stage_seconds_sum") { !$0.contains("encode") }
        let calls = end["dseg_request_seconds_sum{op=Segment}"]
        #expect(stages <= calls && stages > 0)
        for (stage, time) in [("unet", \Trailer.unetMilliseconds), ("vae", \.autoencoderMilliseconds)] {
            let told = trailers.reduce(0) { $0 + Double($1?[keyPath: time] ?? 0) } / 1000
            let counted = end["dseg_stage_seconds_sum{stage=\(stage)}"]
            #expect(abs(counted - told) < 0.001 + told / 1000, "\(stage): \(counted) and \(told)")
            #expect(end["dseg_stage_seconds_count{stage=\(stage)}"] == 3)
        }
        #expect(end["dseg_stage_seconds_count{stage=queue}"] == 3 && end["dseg_stage_seconds_count{stage=encode}"] == 3)
    }

    @Test func `what the system says of the process is so`() throws {
        let daemon = try Daemon()
        let scrapes = try Scrapes(daemon)
        let before = try scrapes.next()
        var wires: [Wire] = []
        for _ in 0..<5 { wires.append(try Wire(daemon)) }
        for wire in wires { #expect(try wire.isUsable(stream: 1)) }
        let after = try scrapes.next()
        #expect(after["process_open_fds"] == before["process_open_fds"] + 5)
        #expect(after["dseg_open_connections"] == before["dseg_open_connections"] + 5)
        #expect(
            after["dseg_connections_total{result=accepted}"] == before["dseg_connections_total{result=accepted}"] + 5)
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let age = Double(now.tv_sec) - after["process_start_time_seconds"]
        #expect((-2...600).contains(age), "\(age)")
        let status = try String(contentsOfFile: "/proc/\(daemon.child.process)/status", encoding: .utf8)
        func field(_ name: String) throws -> Double {
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
            return try #require(Double(line.split { " \t".contains($0) }[1]))
        }
        let (threads, size, resident) = (try field("Threads"), try field("VmSize"), try field("VmRSS"))
        #expect(after["process_threads"] == threads)
        #expect(abs(after["process_virtual_memory_bytes"] / 1024 / size - 1) < 0.05)
        #expect(abs(after["process_resident_memory_bytes"] / 1024 / resident - 1) < 0.2)
        #expect(after["process_cpu_seconds_total"] > 0)
        withExtendedLifetime(wires) {}
    }

    /// The engine computes for minutes.
    @Test func `metrics do not wait for the engine`() throws {
        let daemon = try Daemon()
        let scrapes = try Scrapes(daemon)
        let running = try Wire(daemon)
        let request = SegmentRequest.long(.image(try Repository.scene(1)), id: "running")
        try running.open(.segment, stream: 1, request.encoded())
        #expect(try running.next()?.kind == .data && running.next()?.kind == .data, "it runs")
        let scrape = try scrapes.next()
        #expect(scrape["dseg_open_calls"] == 1 && scrape["dseg_held_bytes{kind=incoming}"] > 0)
        #expect(scrape["dseg_requests_total{code=ok,op=Segment}"] == 0)
        #expect(try daemon.client().cancel("running") == 1)
        #expect(try running.code(of: 1) == .cancelled)
        #expect(try scrapes.next()["dseg_requests_total{code=cancelled,op=Segment}"] == 1)
    }
}
