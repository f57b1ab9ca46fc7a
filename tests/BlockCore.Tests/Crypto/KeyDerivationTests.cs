using System.Security.Cryptography;
using System.Text;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>PBKDF2 in slices: against published vectors and the platform's own.</summary>
[TestFixture]
public sealed class KeyDerivationTests
{
    // RFC 6070, and RFC 7914 section 11. The one of 16,777,216 iterations says nothing that the others do not.
    [TestCase("sha1", "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6")]
    [TestCase("sha1", "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957")]
    [TestCase("sha1", "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1")]
    [TestCase("sha1", "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038")]
    [TestCase("sha1", "pass\0word", "sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3")]
    [TestCase("sha256", "passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")]
    public void A_published_vector_holds(string hashName, string passphrase, string salt, int iterationCount, string expected)
    {
        byte[] key = new byte[expected.Length / 2];
        using KeyDerivation derivation = KeyHash.Find(hashName)!.Derive(Encoding.ASCII.GetBytes(passphrase), Encoding.ASCII.GetBytes(salt), key.Length);
        derivation.Run(iterationCount);
        derivation.CopyKeyTo(key);
        Assert.That(Convert.ToHexString(key), Is.EqualTo(expected).IgnoreCase, "the key");
    }

    [Test]
    public void Whatever_the_lengths_and_slices_it_is_what_the_platform_gives([Values("sha1", "sha256", "sha512")] string hashName)
    {
        KeyHash hash = KeyHash.Find(hashName)!;
        SeededRandom random = new(11);
        for (int round = 0; round < 60; round++)
        {
            byte[] passphrase = Bytes(random, random.Next(300));
            byte[] salt = Bytes(random, 1 + random.Next(80));
            int first = 1 + random.Next(5);
            int second = random.Next(40);
            byte[] key = new byte[1 + random.Next(64)];
            using KeyDerivation derivation = hash.Derive(passphrase, salt, key.Length);
            derivation.Run(first);
            derivation.Run(second);
            derivation.CopyKeyTo(key);
            byte[] expected = Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, first + second, hash.Algorithm, key.Length);
            Assert.That(key, Is.EqualTo(expected), $"passphrase of {passphrase.Length}, salt of {salt.Length}, {first} and {second} iterations, key of {key.Length}");
        }
    }

    [Test]
    public void A_key_that_is_split_comes_together_again([Values("sha1", "sha256", "sha512")] string hashName, [Values(16, 24, 32, 48, 64)] int keyBytes)
    {
        KeyHash hash = KeyHash.Find(hashName)!;
        byte[] key = Bytes(new SeededRandom(5), keyBytes);
        byte[] stripes = new byte[keyBytes * 50];
        AntiForensicKey.Split(hash, key, stripes);
        byte[] merged = new byte[keyBytes];
        AntiForensicKey.Merge(hash, stripes, merged);
        Assert.That(merged, Is.EqualTo(key), "the key");

        stripes[keyBytes + 1] ^= 1;
        AntiForensicKey.Merge(hash, stripes, merged);
        Assert.That(merged, Is.Not.EqualTo(key), "one bit of one stripe is as good as all of them");
    }

    [Test]
    public void Key_material_does_not_print_itself_and_is_wiped()
    {
        KeyMaterial material = new("hunter2"u8);
        Assert.That(material.ToString(), Is.EqualTo("7 secret bytes"), "its text");
        Assert.That(material.Matches("hunter2"u8), Is.True, "its bytes");
        material.Dispose();
        Assert.That(material.Span.ToArray(), Is.All.Zero, "afterwards");
    }

    private static byte[] Bytes(SeededRandom random, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)random.Next(256);
        }

        return bytes;
    }
}
