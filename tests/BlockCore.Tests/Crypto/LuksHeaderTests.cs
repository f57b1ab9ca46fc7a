using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>The header of a LUKS volume: read as written, and every field out of range refused by name before anything is allocated for it.</summary>
[TestFixture]
public sealed class LuksHeaderTests
{
    private const int Slot0 = 208;
    private const int Slot1 = Slot0 + LuksKeySlot.Size;

    private byte[] _volume = [];

    [OneTimeSetUp]
    public void Make_a_volume()
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            LuksFormatOptions options = new() { IterTimeMs = 0 };
            _volume = new byte[LuksVolume.MeasureHeader(options)];
            using KeyMaterial passphrase = new("one"u8);
            (await LuksVolume.FormatAsync(context, options, passphrase, default)).CopyTo(_volume);
        });
    }

    [Test]
    public void What_is_read_is_written_again()
    {
        Assert.That(LuksHeader.TryParse(_volume, out LuksHeader header, out _), Is.True, "it is one");
        byte[] written = new byte[LuksHeader.Size];
        header.WriteTo(written);
        Assert.That(written, Is.EqualTo(_volume[..LuksHeader.Size]), "byte for byte");
        Assert.That((header.CipherName, header.CipherMode, header.HashName, header.MasterKeyBytes), Is.EqualTo(("aes", "xts-plain64", "sha256", 64u)), "its fields");
        Assert.That(Guid.TryParseExact(header.Uuid, "D", out _), Is.True, "its uuid");
        Assert.That(header.Slots.Select(slot => slot.KeyOffset), Is.EqualTo(new[] { 4096L, 262144, 520192, 778240, 1036288, 1294336, 1552384, 1810432 }), "where its key material is");
    }

    [TestCase(0, "4c554b53babf", "Volume is not in LUKS format")]
    [TestCase(6, "0002", "LUKS version 2 is not supported")]
    [TestCase(104, "00000000", "LUKS payload is overlapping with the header")]
    [TestCase(104, "00000001", "LUKS payload is overlapping with the header")]
    [TestCase(104, "00000008", "Keyslot 0 is overlapping with the encrypted payload")]
    [TestCase(108, "00000000", "Algorithm 'aes' with key size 0 bytes not supported")]
    [TestCase(108, "ffffffff", "Keyslot 0 is overlapping with the encrypted payload")]
    [TestCase(108, "00000021", "XTS cipher key length should be a multiple of 2")]
    [TestCase(108, "00000022", "Algorithm 'aes' with key size 34 bytes not supported")]
    [TestCase(164, "00000000", "LUKS key iteration count is zero")]
    [TestCase(Slot0, "00001234", "Keyslot 0 state (active/disable) is corrupted")]
    [TestCase(Slot1, "00000000", "Keyslot 1 state (active/disable) is corrupted")]
    [TestCase(Slot0 + 4, "00000000", "Keyslot 0 iteration count is zero")]
    [TestCase(Slot0 + 44, "00000000", "Keyslot 0 is corrupted (stripes 0 != 4000)")]
    [TestCase(Slot0 + 44, "ffffffff", "Keyslot 0 is corrupted (stripes -1 != 4000)")]
    [TestCase(Slot0 + 40, "00000000", "Keyslot 0 is overlapping with the LUKS header")]
    [TestCase(Slot0 + 40, "00000001", "Keyslot 0 is overlapping with the LUKS header")]
    [TestCase(Slot0 + 40, "ffffffff", "Keyslot 0 is overlapping with the encrypted payload")]
    [TestCase(Slot1 + 40, "00000008", "Keyslots 0 and 1 are overlapping in the header")]
    [TestCase(Slot1 + 40, "000001f0", "Keyslots 0 and 1 are overlapping in the header")]
    public void A_number_out_of_range_is_refused(int offset, string bytes, string message) => CheckRefused(offset, Convert.FromHexString(bytes), message);

    [TestCase(8, "rot13", "Algorithm 'rot13' with key size 64 bytes not supported")]
    [TestCase(8, "twofish", "Algorithm 'twofish' with key size 64 bytes not supported")]
    [TestCase(8, "serpent", "Algorithm 'serpent' with key size 64 bytes not supported")]
    [TestCase(8, "cast5", "Algorithm 'cast5' with key size 64 bytes not supported")]
    [TestCase(40, "zzz-plain", "Cipher mode 'zzz' not supported")]
    [TestCase(40, "ecb-plain64", "Cipher mode 'ecb' not supported")]
    [TestCase(40, "xts", "Unexpected cipher mode string format 'xts'")]
    [TestCase(40, "xts-benbi", "IV generator 'benbi' not supported")]
    [TestCase(40, "cbc-essiv:sha1", "Algorithm 'aes' with key size 64 bytes not supported")]
    [TestCase(40, "xts-essiv:sha1", "IV generator 'essiv' with hash 'sha1' not supported, only with 'sha256'")]
    [TestCase(72, "md-nope", "Hash algorithm 'md-nope' not supported")]
    public void A_name_of_what_there_is_not_is_refused(int offset, string name, string message)
    {
        byte[] field = new byte[32];
        Encoding.ASCII.GetBytes(name, field);
        CheckRefused(offset, field, message);
    }

    [TestCase(8, 32, "cipher name")]
    [TestCase(40, 32, "cipher mode")]
    [TestCase(72, 32, "hash spec")]
    [TestCase(168, 40, "uuid")]
    public void A_text_ends_and_is_one(int offset, int length, string field)
    {
        CheckRefused(offset, [.. Enumerable.Repeat((byte)'a', length)], $"LUKS header {field} is not NUL terminated");
        CheckRefused(offset, [0x1B, 0x5B, 0], $"LUKS header {field} has a byte that is no character: 1B5B");
    }

    [Test]
    public void A_file_that_ends_too_early_is_refused()
    {
        Assert.That(FailureOf(_volume[..591]), Is.EqualTo("LUKS header needs 592 bytes, there are only 591"), "in the header");
        Assert.That(FailureOf(_volume[..5]), Is.EqualTo("Volume is not in LUKS format"), "in the magic");
        Assert.That(FailureOf([]), Is.EqualTo("Volume is not in LUKS format"), "at the beginning");
    }

    [Test]
    public void Key_material_beyond_the_end_is_not_read()
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            LuksVolume volume = await LuksVolume.OpenAsync(new MemoryLuksArea(_volume[..8192]), context, isDetached: false, default);
            using KeyMaterial passphrase = new("one"u8);
            BlockException error = await Failure.OfAsync<BlockException>(() => volume.UnlockAsync(passphrase, default));
            Assert.That(error.Message, Is.EqualTo("Keyslot 0 ends at 260096, behind the end of the file (8192)"), "the reason");
        });
    }

    [Test]
    public void A_detached_header_may_leave_the_offset_of_the_data_at_zero()
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            byte[] bytes = [.. _volume];
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(104), 0);
            LuksVolume volume = await LuksVolume.OpenAsync(new MemoryLuksArea(bytes), context, isDetached: true, default);
            Assert.That(volume.PayloadOffset, Is.Zero, "where the data begin");
        });
    }

    private void CheckRefused(int offset, byte[] bytes, string message)
    {
        byte[] damaged = [.. _volume];
        bytes.CopyTo(damaged, offset);
        Assert.That(FailureOf(damaged), Is.EqualTo(message), "the reason");
    }

    private static string? FailureOf(byte[] bytes)
    {
        using PolledAioContext context = new("test");
        string? message = null;
        context.Run(async () =>
        {
            try
            {
                await LuksVolume.OpenAsync(new MemoryLuksArea(bytes), context, isDetached: false, default);
            }
            catch (BlockException error)
            {
                message = error.Message;
            }
        });
        return message;
    }
}
