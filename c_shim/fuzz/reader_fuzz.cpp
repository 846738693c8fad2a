// SPDX-License-Identifier: Apache-2.0
//
// A reader of a ring whose memory, data and table, says anything at all and changes between its calls. It must come back from
// each, stay inside of the slots, and count what it read and missed without a gap.
#include "fuzzed_ring.hpp"

using namespace fuzz;

namespace {

constexpr uint32_t kReaders = 2;

struct Reader {
    qaultra_ring_reader state;
    uint64_t joined_at;
};

class Stand {
  public:
    explicit Stand(Input& input)
        : m_input(input), m_ring((input.byte() & 1u) != 0 ? QAULTRA_RING_FLAG_LOSSLESS : 0, input.one_of(kStarts)),
          m_next(m_ring.options.first_sequence) {
        for (Reader& reader : m_readers) {
            join(reader);
        }
    }

    void step() {
        Reader& reader = m_readers[m_input.below(kReaders)];
        const uint64_t before = reader.state.next;
        switch (m_input.below(12)) {
        case 0:
        case 1:
            store_into_data(m_input, m_ring, reader.state.next);
            break;
        case 2:
            store_into_table(m_input, m_ring, reader.state.next);
            break;
        case 3:
        case 4:
            put_block();
            break;
        case 5:
            qaultra_ring_head_store(m_ring.header(), reader.state.next + m_input.quad() % (QAULTRA_RING_SEQUENCE_MAX + 2));
            break;
        case 6:
            qaultra_ring_reader_leave(&reader.state);
            join(reader);
            return;
        case 7:
            copy(reader.state);
            break;
        case 8:
            qaultra_ring_reader_wait(&reader.state, 0);
            break;
        case 9:
            qaultra_ring_reader_ended(&reader.state);
            qaultra_ring_reader_beat(&reader.state, m_input.word());
            qaultra_ring_reader_was_dropped(&reader.state);
            qaultra_ring_reader_intact(&reader.state);
            break;
        default:
            read(reader.state);
        }
        HOLDS(reader.state.next >= before && reader.state.next <= QAULTRA_RING_SEQUENCE_MAX + 1);
        HOLDS(reader.state.received + reader.state.missed == reader.state.next - reader.joined_at);
    }

  private:
    void join(Reader& reader) {
        const qaultra_ring_table none = qaultra_ring_table_none();
        const uint64_t history = m_input.rarely(4) ? QAULTRA_RING_HISTORY_ALL : m_input.byte();
        qaultra_ring_reader_join(&reader.state, m_ring.data.bytes(), &m_ring.shape,
                                 m_input.rarely(8) ? &none : &m_ring.table, &m_ring.self, history, m_input.rarely(4), 0);
        reader.joined_at = reader.state.next;
        HOLDS(reader.state.next <= QAULTRA_RING_SEQUENCE_MAX + 1);
        HOLDS(reader.state.next >= m_ring.shape.first_sequence);
    }

    /** A block as a writer would leave it, so that there is something to read. */
    void put_block() {
        qaultra_ring_slot& slot = m_ring.slots()[m_next & (kCapacity - 1)];
        QAULTRA_RING_STORE(&slot.words[1], qaultra_ring_high(m_next));
        const uint32_t length = m_input.number<uint16_t>();
        QAULTRA_RING_STORE(&slot.words[6], m_input.byte() % 8u << 8 | length << 16);
        if (m_input.rarely(4)) {
            qaultra_block_seal(&slot.block, m_input.rarely(4) ? m_input.byte() : m_next);
        }
        QAULTRA_RING_RELEASE(&slot.words[0], qaultra_ring_low(m_next));
        if (m_next <= QAULTRA_RING_SEQUENCE_MAX) {
            qaultra_ring_head_store(m_ring.header(), ++m_next);
        }
    }

    void read(qaultra_ring_reader& reader) {
        const qaultra_market_data_block* const block = qaultra_ring_reader_next(&reader);
        if (block != nullptr) {
            const auto at = reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(m_ring.slots());
            HOLDS(at % QAULTRA_RING_SLOT_BYTES == 0 && at / QAULTRA_RING_SLOT_BYTES < kCapacity);
            if (!qaultra_ring_reader_accepts(&reader, block)) {
                qaultra_ring_reader_reject(&reader);
            }
        }
        const uint64_t received = reader.received;
        HOLDS(qaultra_ring_reader_release(&reader) == static_cast<int>(reader.received - received));
    }

    void copy(qaultra_ring_reader& reader) {
        const Exact memory(sizeof(qaultra_market_data_block));
        auto* const block = reinterpret_cast<qaultra_market_data_block*>(memory.bytes());
        const uint64_t received = reader.received;
        if (qaultra_ring_reader_copy(&reader, block)) {
            HOLDS(reader.received == received + 1 && qaultra_block_check(block) != QAULTRA_BLOCK_CORRUPT);
        }
    }

    Input& m_input;
    Ring m_ring;
    uint64_t m_next;
    Reader m_readers[kReaders];
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
    Input input(bytes, length);
    Stand stand(input);
    while (!input.is_over()) {
        stand.step();
    }
    return 0;
}
