using System.Buffers.Binary;
using System.Security.Cryptography;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>Whole sectors, each by itself and by its number: against the platform's AES, and against themselves.</summary>
[TestFixture]
public sealed class SectorCipherTests
{
    private const int SectorBytes = SectorCipher.SectorBytes;
    private const int SectorCount = 19;

    private readonly SeededRandom _random = new(7);

    [Test]
    public void All_kinds_of_AES_give_what_the_platform_gives([Values(16, 24, 32)] int keyBytes, [Values(1, 7, 8, 9, 600)] int blockCount)
    {
        byte[] key = Random(keyBytes);
        byte[] plain = Random(blockCount * AesBlocks.BlockBytes);
        using Aes aes = Aes.Create();
        aes.Key = key;
        byte[] expected = aes.EncryptEcb(plain, PaddingMode.None);
        foreach (Func<byte[], AesBlocks> create in AesKinds.All)
        {
            using AesBlocks blocks = create(key);
            byte[] result = new byte[plain.Length];
            blocks.Encrypt(plain, result);
            Assert.That(result, Is.EqualTo(expected), $"encrypted by {blocks.GetType().Name}");
            blocks.Decrypt(result, result);
            Assert.That(result, Is.EqualTo(plain), $"decrypted by {blocks.GetType().Name}, in place");
        }
    }

    [Test]
    public void CBC_with_plain64_is_a_chain_for_each_sector([Values(16, 24, 32)] int keyBytes)
    {
        byte[] key = Random(keyBytes);
        using SectorCipher cipher = Create("cbc", "plain64", key);
        CheckAgainstPlatform(cipher, key, sector => Number(sector), 0x1_0000_0005);
    }

    [Test]
    public void Plain_takes_the_low_32_bits_of_the_number()
    {
        byte[] key = Random(16);
        using SectorCipher cipher = Create("cbc", "plain", key);
        CheckAgainstPlatform(cipher, key, sector => Number(sector & uint.MaxValue), 0xFFFF_FFFA);
    }

    [Test]
    public void Essiv_encrypts_the_number_under_the_hash_of_the_key([Values(16, 24, 32)] int keyBytes)
    {
        byte[] key = Random(keyBytes);
        using SectorCipher cipher = Create("cbc", "essiv", key);
        using Aes aes = Aes.Create();
        aes.Key = SHA256.HashData(key);
        CheckAgainstPlatform(cipher, key, sector => aes.EncryptEcb(Number(sector), PaddingMode.None), 77);
    }

    [Test]
    public void A_legacy_passphrase_is_the_key_cut_or_filled_to_sixteen_bytes()
    {
        using SectorCipher shortKey = SectorCipher.CreateLegacy("abc"u8);
        CheckAgainstPlatform(shortKey, [.. "abc"u8, .. new byte[13]], Number, 3);
        using SectorCipher longKey = SectorCipher.CreateLegacy("abcdefghijklmnopqrstuvwxyz"u8);
        CheckAgainstPlatform(longKey, "abcdefghijklmnop"u8.ToArray(), Number, 3);
    }

    [Test]
    public void Sectors_together_are_what_they_are_one_by_one([Values("xts", "cbc")] string mode, [Values("plain64", "plain", "essiv")] string iv)
    {
        using SectorCipher cipher = Create(mode, iv, Random(mode == "xts" ? 64 : 32));
        byte[] plain = Random(SectorCount * SectorBytes);
        byte[] together = new byte[plain.Length];
        byte[] single = new byte[plain.Length];
        cipher.Encrypt(1000, plain, together);
        for (int i = 0; i < SectorCount; i++)
        {
            cipher.Encrypt(1000 + i, plain.AsSpan(i * SectorBytes, SectorBytes), single.AsSpan(i * SectorBytes, SectorBytes));
        }

        Assert.That(together, Is.EqualTo(single), "encrypted");
        byte[] back = new byte[plain.Length];
        cipher.Decrypt(1000, together, back);
        Assert.That(back, Is.EqualTo(plain), "decrypted into other memory");
        cipher.Decrypt(1000, together, together);
        Assert.That(together, Is.EqualTo(plain), "decrypted in place");
        cipher.Encrypt(1000, together, together);
        Assert.That(together, Is.EqualTo(single), "encrypted in place");
        cipher.Decrypt(1001, together, together);
        Assert.That(together.AsSpan(0, SectorBytes).SequenceEqual(plain.AsSpan(0, SectorBytes)), Is.False, "with another number it is something else");
    }

    [Test]
    public void Nothing_is_allocated_once_warm([Values("xts", "cbc")] string mode)
    {
        byte[] keys = Random(64);
        foreach (Func<byte[], AesBlocks> create in AesKinds.All)
        {
            using SectorCipher cipher = mode == "xts"
                ? new XtsCipher(create(keys[..32]), create(keys[32..]), new PlainIv(hasAllBits: true))
                : new CbcCipher(create(keys[..32]), new EssivIv(create(keys[32..])));
            byte[] sectors = new byte[SectorCount * SectorBytes];
            long least = long.MaxValue;
            for (int window = 0; window < 4; window++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 50; i++)
                {
                    cipher.Encrypt(i, sectors, sectors);
                    cipher.Decrypt(i, sectors, sectors);
                }

                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.That(least, Is.Zero, "bytes allocated in the quietest window");
        }
    }

    [Test]
    public void Part_of_a_sector_is_a_bug()
    {
        using SectorCipher cipher = Create("xts", "plain64", Random(64));
        byte[] bytes = new byte[SectorBytes + 1];
        Assert.That(() => cipher.Encrypt(0, bytes, bytes), Throws.Exception, "not a whole number of sectors");
        Assert.That(() => cipher.Encrypt(0, new byte[1024].AsSpan(), new byte[512].AsSpan()), Throws.Exception, "not as long");
        byte[] memory = new byte[SectorBytes * 2];
        Assert.That(() => cipher.Encrypt(0, memory.AsSpan(0, SectorBytes), memory.AsSpan(1, SectorBytes)), Throws.Exception, "half over itself");
    }

    private static byte[] Number(long sector)
    {
        byte[] vector = new byte[AesBlocks.BlockBytes];
        BinaryPrimitives.WriteInt64LittleEndian(vector, sector);
        return vector;
    }

    private static SectorCipher Create(string mode, string iv, byte[] key)
    {
        string algorithm = $"aes-{(mode == "xts" ? key.Length / 2 : key.Length) * 8}";
        return LuksCipher.FromOptions(new LuksFormatOptions { CipherAlgorithm = algorithm, CipherMode = mode, IvAlgorithm = iv }).CreateCipher(key);
    }

    private void CheckAgainstPlatform(SectorCipher cipher, byte[] key, Func<long, byte[]> vectorOf, long firstSector)
    {
        using Aes aes = Aes.Create();
        aes.Key = key;
        byte[] plain = Random(SectorCount * SectorBytes);
        byte[] encrypted = new byte[plain.Length];
        cipher.Encrypt(firstSector, plain, encrypted);
        for (int i = 0; i < SectorCount; i++)
        {
            byte[] expected = aes.EncryptCbc(plain.AsSpan(i * SectorBytes, SectorBytes), vectorOf(firstSector + i), PaddingMode.None);
            Assert.That(encrypted.AsSpan(i * SectorBytes, SectorBytes).SequenceEqual(expected), Is.True, $"sector {i}");
        }

        cipher.Decrypt(firstSector, encrypted, encrypted);
        Assert.That(encrypted, Is.EqualTo(plain), "decrypted");
    }

    private byte[] Random(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)_random.Next(256);
        }

        return bytes;
    }
}
