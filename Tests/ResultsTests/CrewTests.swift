import Support
import Synchronization
import Testing

@testable import Results

struct CrewTests {
    private struct Bad: Error {}

    @Test(arguments: [1, 3, 16])
    func `each item is worked on once, by workers of their own`(jobs: Int) throws {
        let crew = Crew(Array(0..<1000))
        let seen = Mutex<[Int]>([])
        let workers = Mutex(0)
        try crew.run(jobs: jobs) {
            workers.withLock { $0 += 1 }
            return { number in seen.withLock { $0.append(number) } }
        }
        #expect(seen.withLock { $0.sorted() } == Array(0..<1000) && workers.withLock(\.self) == jobs)
    }

    @Test func `after the first failure nothing is begun, and nobody goes on waiting`() throws {
        let crew = Crew(Array(0..<1000))
        let seen = Mutex(0)
        let waited = Mutex<Bool?>(nil)
        let failure = #expect(throws: Crew<Int>.Failure.self) {
            try crew.run(jobs: 2) {
                { number in
                    seen.withLock { $0 += 1 }
                    if number == 0 {
                        let isWhole = crew.wait(.seconds(600))
                        waited.withLock { $0 = isWhole }
                    }
                    if number == 5 { throw Bad() }
                }
            }
        }
        #expect(failure?.item == 5 && failure?.reason is Bad)
        #expect(seen.withLock(\.self) == 6 && waited.withLock(\.self) == false)
        #expect(Crew([1]).wait(.milliseconds(1)))
    }

    @Test func `a tenth of the questions may be asked again, and a few for each thread`() {
        for (questions, jobs) in [(0, 1), (2000, 3), (19, 4)] {
            let allowance = RetryAllowance(questions: questions, jobs: jobs)
            #expect((0..<10_000).count { _ in allowance.take() } == questions / 10 + 8 * jobs)
        }
    }
}
